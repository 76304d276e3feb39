"""`manage.py catalog apply FILE` and `manage.py catalog schema`."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from isolation.clock import now
from licensing.catalog_file.applying import apply_catalogue
from licensing.catalog_file.desired import CATALOG_SCHEMA, desired_catalogue
from licensing.catalog_file.mistakes import FileRefused
from licensing.catalog_file.source import read_file
from licensing.catalog_file.wording import diff_lines

REFUSED = 1
DIFFERS = 2


class Command(BaseCommand):
    """Make the catalogue what a file says."""

    help = "Make the catalogue what a YAML file says: features, actions, roles, plans, add-ons."
    requires_system_checks = ()  # it serves nothing, and is run to mend what serves

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the two verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        apply = verbs.add_parser("apply", help="make the catalogue what the file says, whole or not at all")
        apply.add_argument("file", metavar="FILE.yaml")
        apply.add_argument("--plan", action="store_true", help="print what would change, and change nothing")
        apply.add_argument("--exit-code", action="store_true", help="with --plan: exit with 2 if anything would change")
        apply.add_argument("--prune", action="store_true", help="also remove, or take off sale, what the file lacks")
        verbs.add_parser("schema", help="print the JSON Schema of such a file")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the schema, or a line for each change; a refused file exits with 1 and says every mistake."""
        if options["verb"] == "schema":
            self.stdout.write(CATALOG_SCHEMA.read_text(encoding="utf-8").rstrip())
            return
        try:
            applied = apply_catalogue(
                desired_catalogue(read_file(options["file"])),
                by="manage.py",
                at=now(),
                plan_only=options["plan"],
                prune=options["prune"],
            )
        except FileRefused as error:
            for line in error.lines:
                self.stderr.write(line)
            sys.exit(REFUSED)
        except DatabaseError as error:
            why = str(error).partition("\n")[0]
            raise CommandError(f"The database refused, and nothing was written: {why}.") from error
        for line in diff_lines(applied, prune=options["prune"]):
            self.stdout.write(line)
        if options["plan"] and options["exit_code"] and applied.changes:
            sys.exit(DIFFERS)
