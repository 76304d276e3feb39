"""Making, rotating, revoking and listing service credentials."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

import licensing.api
from authlevels.credentials import (
    create_credential,
    get_credential,
    list_credentials,
    revoke_credential,
    rotate_credential,
)
from isolation.clock import now
from tiergate import Level, TiergateError, Verb

_BY = "manage.py"


class Command(BaseCommand):
    """Keeps a tenant's service credentials; a secret is printed once, alone on standard output."""

    help = "Create, rotate, revoke or list the service credentials of a tenant."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the four verbs and what each takes."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        for verb in ("create", "rotate", "revoke", "list"):
            sub = verbs.add_parser(verb)
            sub.add_argument("tenant", help="slug or id; the vendor itself is `vendor`")
            if verb != "list":
                sub.add_argument("name")
            if verb == "create":
                told = "; ".join(["a privilege that an action of the catalogue asks of services", *Verb])
                sub.add_argument("--verb", action="append", required=True, dest="verbs", help=told)
                sub.add_argument("--max-level", default=Level.AAL1.value, choices=["aal1", "aal2", "aal3"])
                sub.add_argument("--return-to", action="append", default=[], metavar="ORIGIN")
                sub.add_argument(
                    "--audience", action="append", default=[], help="a service for which it may introspect tokens"
                )
                sub.add_argument("--answer-style", default="full", choices=["full", "bare"])
                sub.add_argument("--expires-in-days", type=int, default=None)
            if verb == "rotate":
                sub.add_argument("--overlap-seconds", type=int, default=3600)

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's own signature
        """Do what is asked.

        :raises CommandError: in a sentence, for whatever is refused.
        """
        try:
            tenant_id = licensing.api.get_tenant(options["tenant"]).id
            self._do(options, tenant_id)
        except TiergateError as error:
            raise CommandError(error.detail) from error
        except ValueError as error:
            raise CommandError(str(error)) from error

    def _do(self, options: dict[str, Any], tenant_id: Any) -> None:
        at = now()
        match options["verb"]:
            case "create":
                days = options["expires_in_days"]
                _, clear = create_credential(
                    tenant_id=tenant_id,
                    name=options["name"],
                    verbs=options["verbs"],
                    max_level=Level(options["max_level"]),
                    return_to_origins=options["return_to"],
                    audiences=options["audience"],
                    answer_style=options["answer_style"],
                    expires_at=None if days is None else at + timedelta(days=days),
                    by=_BY,
                    at=at,
                )
                self.stdout.write(clear)
            case "rotate":
                found = get_credential(tenant_id=tenant_id, name=options["name"])
                overlap = timedelta(seconds=options["overlap_seconds"])
                _, clear = rotate_credential(
                    tenant_id=tenant_id, credential_id=found.id, overlap=overlap, by=_BY, at=at
                )
                self.stdout.write(clear)
            case "revoke":
                found = get_credential(tenant_id=tenant_id, name=options["name"])
                revoke_credential(tenant_id=tenant_id, credential_id=found.id, by=_BY, at=at)
                self.stdout.write(f"{found.name} is revoked.")
            case _:
                for found in list_credentials(tenant_id=tenant_id):
                    verbs = " ".join(sorted(found.verbs))
                    self.stdout.write(f"{found.name}\t{found.max_level}\t{verbs}")
