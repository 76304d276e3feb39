"""`manage.py entitlements show --tenant … --at …`."""

import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_date, parse_datetime

from isolation.clock import now
from licensing.history.authors import put_there_by
from licensing.history.known import Known, entitlements_known
from licensing.history.wording import FROM_BEFORE, aligned, known_json, subscription_sentences, table, when, why
from licensing.subscription_rows import subscription_json
from licensing.tenants import get_tenant
from licensing.views_holdings import entitlement_json
from tiergate import TiergateError


class Command(BaseCommand):
    """Show what a tenant could use at an instant, and why."""

    help = "Show what a tenant can use, or could at any instant, and why: by whose word, and until when."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the one verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        show = verbs.add_parser("show", help="show what a tenant can use, or could at an instant")
        show.add_argument("--tenant", required=True, metavar="SLUG")
        show.add_argument("--at", metavar="INSTANT", help="2026-03-03, or 2026-03-03T12:00:00Z; now if left out")
        show.add_argument("--feature", metavar="KEY", help="this one alone")
        show.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print a table, and a paragraph for each feature."""
        try:
            tenant = get_tenant(options["tenant"])
            known = entitlements_known(tenant_id=tenant.id, at=_instant(options["at"]))
        except TiergateError as error:
            raise CommandError(error.detail) from error
        if options["feature"] and options["feature"] not in known.entitlements:
            raise CommandError(f"The catalogue had no feature {options['feature']!r} then.")
        features = [options["feature"]] if options["feature"] else list(known.entitlements)
        for line in _as_json(known, features) if options["json"] else _as_text(known, tenant.name, features):
            self.stdout.write(line)


def _instant(given: str | None) -> datetime:
    if given is None:
        return now()
    try:
        found, day = parse_datetime(given), parse_date(given)
    except ValueError as error:
        raise CommandError(f"--at {given!r} is no instant: {error}.") from error
    if day is not None:
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    if found is None:
        raise CommandError(f"--at {given!r} is no instant: write 2026-03-03, or 2026-03-03T12:00:00Z.")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _as_text(known: Known, name: str, features: list[str]) -> list[str]:
    rows = table(known)
    return [
        f"{name} on {when(known.at)}",
        "",
        *subscription_sentences(known, author=put_there_by(known)),
        *([FROM_BEFORE] if known.is_from_before else []),
        "",
        *aligned([rows[0], *(row for row in rows[1:] if row[0] in features)]),
        *(line for key in features for line in ("", f"{key}:", *(f"  {one}" for one in why(known, key)))),
    ]


def _as_json(known: Known, features: list[str]) -> list[str]:
    reasons = known_json(known)
    told = {
        "as_of": known.at,
        "subscription": subscription_json(known.subscription),
        "put_there_by": put_there_by(known),
        "is_from_before": known.is_from_before,
        "environments": dict(known.environments),
        "items": [entitlement_json(known.entitlements[key]) | {"because": reasons[key]} for key in features],
    }
    return [json.dumps(told, indent=2, default=str)]
