"""Looking at the keys that sign tokens, making the next one, and taking one back."""

from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from authlevels.signing_keys import list_signing_keys, revoke_signing_key, rotate_signing_keys
from isolation.clock import now
from tiergate import TiergateError

_BY: Final = "manage.py"


class Command(BaseCommand):
    """Keeps the keys that sign tokens."""

    help = "Show the keys that sign tokens (list), make the next one (rotate), or take one back at once (revoke)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the three verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list")
        verbs.add_parser("rotate", help="the next key signs in ten minutes, when everybody can know it")
        verbs.add_parser("revoke", help="every token that it signed is dead").add_argument("key")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's own signature
        """Do what is asked.

        :raises CommandError: there is no such key.
        """
        at = now()
        try:
            if options["verb"] == "rotate":
                rotate_signing_keys(by=_BY, at=at)
            elif options["verb"] == "revoke":
                revoke_signing_key(kid=options["key"], by=_BY, at=at)
        except TiergateError as error:
            raise CommandError(error.detail) from error
        for one in list_signing_keys(at=at):
            self.stdout.write(f"{one.kid}  {one.state:<10}from {one.signs_from:%Y-%m-%d %H:%M} UTC")
