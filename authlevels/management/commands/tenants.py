"""`manage.py tenants apply FILE` and `manage.py tenants schema`."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from authlevels.tenant_file.applying import alone, apply_tenants
from authlevels.tenant_file.desired import TENANTS_SCHEMA, desired_tenants
from isolation.clock import now
from licensing.api import NOTHING_TO_CHANGE, FileRefused, change_lines, read_file

REFUSED = 1
DIFFERS = 2


class Command(BaseCommand):
    """Make tenants and people what a file says."""

    help = "Make what a YAML file says so: tenants, roles, members, subscriptions, overrides, users."
    requires_system_checks = ()  # it serves nothing, and is run to mend what serves

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the two verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        apply = verbs.add_parser("apply", help="make what the file says so, whole or not at all")
        apply.add_argument("file", metavar="FILE.yaml")
        apply.add_argument("--plan", action="store_true", help="print what would change, and change nothing")
        apply.add_argument("--exit-code", action="store_true", help="with --plan: exit with 2 if anything would change")
        apply.add_argument("--prune", action="store_true", help="also end memberships and overrides that it lacks")
        verbs.add_parser("schema", help="print the JSON Schema of such a file")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the schema, or a line for each change; a refused file exits with 1 and says every mistake."""
        if options["verb"] == "schema":
            self.stdout.write(TENANTS_SCHEMA.read_text(encoding="utf-8").rstrip())
            return
        try:
            desired = desired_tenants(read_file(options["file"]))
            with alone():
                applied = apply_tenants(
                    desired, by="manage.py", at=now(), plan_only=options["plan"], prune=options["prune"]
                )
        except FileRefused as error:
            for line in error.lines:
                self.stderr.write(line)
            sys.exit(REFUSED)
        except DatabaseError as error:
            why = str(error).partition("\n")[0]
            raise CommandError(f"The database refused, and nothing was written: {why}.") from error
        for change in applied.changes:
            for line in change_lines(change):
                self.stdout.write(line)
        if not applied.changes:
            self.stdout.write(NOTHING_TO_CHANGE)
        for note in applied.notes:
            self.stdout.write(note)
        if options["plan"] and options["exit_code"] and applied.changes:
            sys.exit(DIFFERS)
