#!/usr/bin/env python3
"""Run a management command, with the embedded services up when no others are named."""

import os
import sys


def main() -> None:
    """Hand the command line to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from config.commandline import run  # noqa: PLC0415 - settings must be named first

    run(sys.argv)


if __name__ == "__main__":
    main()
