"""Rules kept as files: check, try and prove them, and have them decide."""

import sys
from argparse import REMAINDER, ArgumentParser

from django.core.management.base import BaseCommand

from decisions.policy import acting, looking
from tiergate.policy.command import DESCRIPTION, VERBS
from tiergate.policy.verbs import run


class Command(BaseCommand):
    """What `tiergate policy` does with a folder, and besides what acts on the database of this server."""

    help = DESCRIPTION
    requires_system_checks = ()  # it serves nothing, and is run to mend what serves

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take a verb and what it needs, which the verb reads itself."""
        parser.add_argument("arguments", nargs=REMAINDER, metavar="verb", help="see: manage.py policy verb --help")

    def handle(self, *args: object, arguments: list[str], **options: object) -> None:  # noqa: ARG002 - Django's own
        """Find the verb, run it, and exit with its code unless all is well."""
        out, err = self.stdout, self.stderr
        code = run(
            (*VERBS, *acting.VERBS, *looking.VERBS),
            arguments or ["--help"],
            out,  # type: ignore[arg-type]  # what Django wraps is written to like a file
            err,  # type: ignore[arg-type]  # as above
            description=DESCRIPTION,
            prog="manage.py policy",
        )
        if code:
            sys.exit(code)
