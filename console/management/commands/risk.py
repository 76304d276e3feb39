"""`manage.py risk export|erase`: of a person, beside what the engine's own room can do about networks."""

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.core.management.base import CommandError

from authlevels import api as authlevels
from isolation.api import tenant_transaction
from isolation.clock import now
from licensing import api as licensing
from riskengine import api as riskengine
from riskengine.management.commands.risk import Command as EngineCommand

type Act = Callable[[Mapping[str, Any], Any, Any], int]

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
            verb.add_argument(
                "--subject",
                required=True,
                help="who: user:alice, or account:alice who signs in here; alice is user:alice",
            )
        erase.add_argument("--because", required=True, help="why, for the trail")
        export.set_defaults(run=_namesake_told(_export))
        erase.set_defaults(run=_namesake_told(_erase))


def _namesake_told(act: Act) -> Act:
    """Where nothing is kept of whom was named, say who that was, and of whose name's other bearer there is something.

    ``alice`` is ``user:alice``, and she whom they mean may sign in here as ``account:alice``: nobody is to be told that
    nothing is kept of them who has only been mistyped.
    """

    def told(options: Mapping[str, Any], out: Any, err: Any) -> int:
        try:
            return act(options, out, err)
        except authlevels.RiskOfNobody as nobody:
            kind, name = licensing.split_subject(options["subject"])
            said = f"Nothing is kept of how risky {kind}:{name} looks. ({nobody.code})"
            tenant_id = licensing.get_tenant(options["tenant"]).id
            with tenant_transaction(tenant_id):
                others = [
                    f"{one}:{name}"
                    for one in ("account", "user")
                    if one != kind and riskengine.is_known(tenant_id=tenant_id, subjects=[(one, name)])
                ]
            raise CommandError(" ".join([said, *(f"Of {one} there is." for one in others)])) from nobody

    return told


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
