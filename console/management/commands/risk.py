"""`manage.py risk export|erase`: of a person, beside what the engine's own room can do about networks."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any, Final

from authlevels import api as authlevels
from isolation.clock import now
from licensing import api as licensing
from riskengine.management.commands.risk import Command as EngineCommand

_BY: Final = "manage.py"


class Command(EngineCommand):
    """What risk is judged by: of networks, and of one person in one tenant."""

    help = "Look after what risk is judged by: import, status, look, drop; export and erase what is kept of a person."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add two verbs to those of the lower room."""
        super().add_arguments(parser)
        export = self.verbs.add_parser(
            "export", help="write everything that is kept of a person as JSON; that it was is told in the trail"
        )
        erase = self.verbs.add_parser(
            "erase", help="delete everything that is kept of a person, and end their sessions that look risky"
        )
        for verb in (export, erase):
            verb.add_argument("--tenant", required=True, help="slug or id")
            verb.add_argument("--subject", required=True, help="who, e.g. user:alice")
        erase.add_argument("--because", required=True, help="why, for the trail")
        export.set_defaults(run=_export)
        erase.set_defaults(run=_erase)


def _export(options: Mapping[str, Any], out: Any, err: Any) -> int:
    tenant = licensing.get_tenant(options["tenant"])

    def write(text: str) -> None:
        out.write(text, ending="")

    count = authlevels.export_risk(
        tenant_id=tenant.id, subject=licensing.split_subject(options["subject"]), write=write, by=_BY, at=now()
    )
    err.write(f"{count:,} signals written.")
    return 0


def _erase(options: Mapping[str, Any], out: Any, _err: Any) -> int:
    tenant = licensing.get_tenant(options["tenant"])
    erased = authlevels.erase_risk(
        tenant_id=tenant.id,
        subject=licensing.split_subject(options["subject"]),
        because=options["because"],
        by=_BY,
        at=now(),
    )
    out.write(
        f"Erased: {erased.signals:,} signals, {erased.profiles} profile, {len(erased.sessions)} sessions that looked risky, "
        f"which have ended. {erased.failures} failures of late stay counted as nobody's."
    )
    return 0
