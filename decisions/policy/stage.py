"""Which bundle is in force for a tenant, and which is only tried beside it. Pure: nothing is read here."""

import hashlib
from enum import StrEnum
from typing import Final
from uuid import UUID

from msgspec import Struct

ALL: Final = 100
"""Per cent: every tenant."""


class Mode(StrEnum):
    """What a candidate is good for. none: there is no candidate.

    shadow: it is asked beside the active bundle, and what it says is only recorded. staged: it is in force for some.
    """

    NONE = "none"
    SHADOW = "shadow"
    STAGED = "staged"


class Stage(Struct, frozen=True, kw_only=True):
    """Which bundles there are to be asked, from one generation of the catalogue on, until the next stage's.

    active, candidate: digests; None: no bundle. generation: 0 where nothing was ever activated.
    tenants, percent: for whom the candidate is: for these, and for that share of all others.
    """

    generation: int = 0
    active: str | None = None
    candidate: str | None = None
    mode: Mode = Mode.NONE
    tenants: frozenset[UUID] = frozenset()
    percent: int = 0

    def in_force(self, tenant_id: UUID) -> str | None:
        """Name the bundle whose word counts for a tenant; None where there is none."""
        return self.candidate if self.mode == Mode.STAGED and self._is_chosen(tenant_id) else self.active

    def shadowed(self, tenant_id: UUID) -> str | None:
        """Name the bundle that is asked beside it, and whose word does not count; None where there is none."""
        return self.candidate if self.mode == Mode.SHADOW and self._is_chosen(tenant_id) else None

    def _is_chosen(self, tenant_id: UUID) -> bool:
        if self.candidate is None:
            return False
        return tenant_id in self.tenants or bucket(self.candidate, tenant_id) < self.percent


NOTHING: Final = Stage()
"""An installation in which nothing was ever activated."""


def bucket(digest: str, tenant_id: UUID) -> int:
    """Give a tenant its number from 0 to 99 with a bundle: whoever is within some per cent stays within more.

    Another bundle gives other numbers, so that it is not always the same tenants who go first.
    """
    found = hashlib.sha256(f"{digest}{tenant_id}".encode()).digest()
    return int.from_bytes(found[:8]) % ALL
