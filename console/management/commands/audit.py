"""`manage.py audit show|erase`, beside what the trail's own room can do with it."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from audit.api import Kind
from audit.management.commands.audit import Command as TrailCommand
from authlevels import api as authlevels
from console.trail.reading import Asked, as_csv, as_json, as_text, names_in, read_stories
from isolation.clock import now
from licensing import api as licensing
from tiergate import TiergateError

_FORMATS: Final = {"text": as_text, "csv": as_csv, "json": as_json}


class Command(TrailCommand):
    """The trail, to read; and to erase people from, which leaves it as true as it was."""

    help = "Show the trail as sentences, erase a person from it; seal, verify and export it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add two verbs to those of the lower room."""
        super().add_arguments(parser)
        show = self.verbs.add_parser("show", help="write a tenant's trail, oldest first, a sentence for each story")
        show.add_argument("--tenant", required=True, help="slug or id; the vendor itself is `vendor`")
        show.add_argument("--subject", help="only what is about this one, e.g. user:alice")
        show.add_argument("--since", type=_instant, help="from this day or time on, UTC unless it says otherwise")
        show.add_argument("--until", type=_instant, help="before this day or time")
        show.add_argument("--kind", action="append", choices=sorted(Kind), dest="kinds", help="only of this kind")
        show.add_argument("--format", choices=sorted(_FORMATS), default="text")
        erase = self.verbs.add_parser("erase", help="let nobody be able to say any more whose entries these are")
        erase.add_argument("--tenant", required=True, help="slug or id")
        erase.add_argument("--subject", required=True, help="who; the membership must have ended")
        erase.add_argument("--yes", action="store_true", help="it cannot be undone")

    def read_tenant(self, text: str) -> UUID:
        """Read a slug or an id. :raises CommandError: there is no such tenant."""
        try:
            return licensing.get_tenant(text).id
        except TiergateError as error:
            raise CommandError(error.detail) from error

    def _show(self, options: dict[str, Any]) -> None:
        try:
            tenant = licensing.get_tenant(options["tenant"])
            subject = licensing.split_subject(options["subject"]) if options["subject"] else None
        except TiergateError as error:
            raise CommandError(error.detail) from error
        asked = Asked(
            tenant_id=tenant.id,
            subject=subject,
            kinds=[Kind(one) for one in options["kinds"]] if options["kinds"] else None,
            since=options["since"],
            until=options["until"],
        )
        for line in _FORMATS[options["format"]](read_stories(asked), names_in(tenant)):
            self.stdout.write(line)

    def _erase(self, options: dict[str, Any]) -> None:
        if not options["yes"]:
            raise CommandError("Erasing cannot be undone. Say --yes.")
        try:
            tenant = licensing.get_tenant(options["tenant"])
            authlevels.erase_person(
                tenant_id=tenant.id, subject=licensing.split_subject(options["subject"]), by="manage.py", at=now()
            )
        except TiergateError as error:
            raise CommandError(error.detail) from error
        self.stdout.write("Erased. What happened stays in the trail, and nobody can say any more to whom.")


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
