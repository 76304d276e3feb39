"""What happens before a management command: the embedded services come up."""

import sys

from django.core.management import execute_from_command_line

from config.embedded import EmbeddedError, ensure_running

# These neither read nor write a database.
_WITHOUT_SERVICES = frozenset({"help", "version", "--help", "-h", "--version", "spectacular", "collectstatic"})


def run(argv: list[str]) -> None:
    """Run the command that `argv` names; a service that cannot start ends it with one sentence."""
    if len(argv) > 1 and argv[1] not in _WITHOUT_SERVICES:
        try:
            ensure_running()
        except EmbeddedError as error:
            sys.exit(str(error))
    execute_from_command_line(argv)
