"""Looking at the key ring, and moving what is sealed to its newest key."""

from argparse import ArgumentParser
from functools import partial
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

import audit.api
import licensing.api
from authlevels.rotation import KeyRingUse, KeyUse, record_rotation, reseal_factors, reseal_signing_keys, ring_use
from isolation.api import key_ids
from isolation.clock import now

_BY: Final = "manage.py"


class Command(BaseCommand):
    """Tells what needs which key of TIERGATE_KEYRING, and re-seals."""

    help = "Show what needs which key of the ring (status), or seal everything with the newest key (rotate)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the two verbs."""
        parser.add_argument("verb", choices=["status", "rotate"])

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's own signature
        """Do what is asked.

        :raises CommandError: it cannot look over all tenants, or some secrets could not be opened.
        """
        if "sweep" not in connections:
            raise CommandError("DATABASE_SWEEP_URL is not set: the sweep's role alone sees the secrets of all tenants.")
        unreadable = self._rotate() if options["verb"] == "rotate" else []
        self._tell(ring_use(at=now()))
        if unreadable:
            raise CommandError(
                f"{len(unreadable)} secrets are opened by no key of the ring, and stay as they are: put the key that "
                f"sealed them back. {', '.join(unreadable[:20])}"
            )

    def _rotate(self) -> list[str]:
        unreadable = []
        done = {}
        record_rotation(by=_BY, at=now())
        for what, reseal in (
            ("authenticator apps", reseal_factors),
            ("people of the trail", audit.api.reseal_people),
            ("signing keys", reseal_signing_keys),
            ("webhooks", licensing.api.reseal_webhooks),
        ):
            done[what] = reseal(progress=partial(self._progress, what))
            self._say(f"{what}: {done[what].moved} sealed anew with {key_ids()[0]}")
            unreadable += [f"{what} {row}" for row in done[what].unreadable]
        record_rotation(by=_BY, at=now(), done=done)
        return unreadable

    def _progress(self, what: str, moved: int) -> None:
        self._say(f"  {what}: {moved} so far")

    def _tell(self, use: KeyRingUse) -> None:
        newest, *older = use.keys
        self._say(
            f"{'key':<20}{'apps':>10}{'people':>10}{'signing':>10}{'webhooks':>10}{'credentials':>14}{'sessions':>10}"
        )
        for key_id, one in [*use.keys.items(), *use.missing.items(), ("(not said)", use.unsaid)]:
            row = f"{key_id:<20}{one.factors:>10}{one.people:>10}{one.signing:>10}{one.webhooks:>10}{one.credentials:>14}{one.sessions:>10}"
            self._say(row + ("  in use" if key_id == newest else ""))
        at = now()
        for key_id in older:
            if use.may_go(key_id, at=at):
                self._say(f"{key_id} may be taken out of TIERGATE_KEYRING.")
            else:
                self._say(f"{key_id} must stay: {'; '.join(_reasons(use, key_id))}.")
        for key_id, one in use.missing.items():
            self._say(f"{key_id} is missing from the ring, and these are under it: {'; '.join(_needs(one))}.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _reasons(use: KeyRingUse, key_id: str) -> list[str]:
    reasons = _needs(use.keys[key_id])
    if not use.unsaid.is_unused:
        reasons.append("what is not said may be under it: " + ", ".join(_needs(use.unsaid)))
    if use.overlaps_until is not None:
        reasons.append(f"a rotated credential's old secret works until {use.overlaps_until:%Y-%m-%d %H:%M} UTC")
    return reasons


def _needs(one: KeyUse) -> list[str]:
    found = []
    if one.movable:
        found.append(f"{one.movable} secrets that `manage.py keys rotate` moves")
    if one.credentials:
        found.append(
            f"{one.credentials} credentials, each of which moves when next used, or by `credentials rotate`"
            f" ({', '.join(one.named)})"
        )
    if one.sessions:
        found.append(
            f"{one.sessions} sessions, each of which moves when next used; the last ends {one.sessions_until:%Y-%m-%d %H:%M} UTC"
        )
    return found
