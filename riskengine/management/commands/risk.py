"""`manage.py risk`: what is known of networks, brought in and looked after."""

import sys
from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from riskengine.data import verbs as data_verbs
from riskengine.data.errors import DataBusy, DataNotFound, DataRefused
from tiergate import TiergateError

_PARTS: Final = (data_verbs,)
"""Modules with ``add_verbs``: each verb's parser has ``run(options, out, err)``, which returns the code to exit with."""


class Command(BaseCommand):
    """Look after what risk is judged by."""

    help = "Look after what risk is judged by: import, status, look, drop."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the verbs; a room above may add to them."""
        self.verbs = verbs = parser.add_subparsers(dest="verb", required=True)
        for part in _PARTS:
            part.add_verbs(verbs)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it.

        :raises CommandError: in a sentence.
        """
        try:
            code: int = options["run"](options, self.stdout, self.stderr)
        except TiergateError as error:
            raise CommandError(f"{error.detail} ({error.code})") from error
        except (DataBusy, DataNotFound, DataRefused) as error:
            raise CommandError(str(error)) from error
        if code:
            sys.exit(code)
