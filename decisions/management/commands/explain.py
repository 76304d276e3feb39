"""Explain how a request is decided."""

import sys
from argparse import ArgumentParser
from pathlib import Path

import msgspec
from django.core.management.base import BaseCommand, CommandError

from decisions.evaluate import preview
from decisions.explain import explain_lines
from decisions.wire import read_question
from isolation.clock import now
from licensing import api as licensing


class Command(BaseCommand):
    """Prints why a request is decided as it is; nothing is recorded, and nothing used up."""

    help = "Explain how an AuthZEN request (a JSON file, or - for standard input) would be decided now, and why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file and, when the request's context does not name it, the tenant."""
        parser.add_argument("file", help="an access evaluation request as JSON; - reads standard input")
        parser.add_argument("--tenant", help="the tenant's slug or id; default: context.tenant")

    def handle(self, *args: object, file: str, tenant: str | None, **options: object) -> None:  # noqa: ARG002 - Django's own
        """Read, decide, print."""
        try:
            body = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from None
        try:
            document = msgspec.json.decode(body)
            ref = tenant or document.get("context", {}).get("tenant")
            if not ref:
                raise CommandError("Name the tenant: in context.tenant, or with --tenant.")
            question = read_question(document, tenant_id=licensing.get_tenant(ref).id)
        except (msgspec.MsgspecError, AttributeError) as error:
            raise CommandError(f"{file}: not an access evaluation request: {error}") from None
        except licensing.TenantNotFound:
            raise CommandError(f"There is no tenant {ref!r}.") from None
        gathered, decision = preview(question, at=now())
        for line in explain_lines(gathered, decision):
            self.stdout.write(line)
