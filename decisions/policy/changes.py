"""A change of which rules are in force as somebody means it: read in one way at every door, and done as it was confirmed."""

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from decisions.policy.activating import (
    Within,
    activate,
    find_given_up,
    find_rollback,
    read_stage,
    rollback,
    withdraw,
)
from decisions.policy.errors import NothingToUndo, StageRefused
from decisions.policy.history import Activation
from decisions.policy.stage import ALL, Mode
from decisions.question import Answer, Entity
from licensing import api as licensing
from tiergate import OWN_RESOURCE_TYPE

ACTIVE: Final = "active"
SHADOW: Final = Mode.SHADOW.value
STAGED: Final = Mode.STAGED.value
WITHDRAW: Final = "withdraw"
ROLLBACK: Final = "rollback"
OF_A_BUNDLE: Final = (ACTIVE, SHADOW, STAGED)


class Change(Struct, frozen=True, kw_only=True):
    """A change as it is meant. Made by `read_change`.

    digest: what is put in force, set beside or taken away; None: no bundle. tenants: slugs or ids, as they were named.
    """

    mode: str
    digest: str | None
    tenants: tuple[str, ...] = ()
    percent: int = 0
    because: str = ""

    @property
    def is_of_candidate(self) -> bool:
        """Say whether it sets a bundle beside what is active."""
        return self.mode in {SHADOW, STAGED}

    def as_resource(self) -> Entity:
        """Write it as what a decision is about, with all that is confirmed: what it gives up of what is promised, too."""
        properties = {
            "mode": self.mode,
            "digest": self.digest,
            "tenants": list(self.tenants),
            "percent": self.percent,
            "gives_up": list(self.gives_up()),
            "because": self.because,
        }
        return Entity(type=OWN_RESOURCE_TYPE, id=self.digest or "", properties=properties)

    def gives_up(self) -> tuple[str, ...]:
        """Name what is promised now and would be no more; () too where that cannot be known, since then it is not done."""
        if self.digest is None or self.mode in {SHADOW, WITHDRAW}:
            return ()
        return find_given_up(self.digest)

    def tenant_ids(self) -> frozenset[UUID]:
        """Find the tenants that are named.

        :raises TenantNotFound: there is no such one.
        """
        return frozenset(licensing.get_tenant(one).id for one in self.tenants)


def read_change(
    *,
    mode: str,
    digest: str | None = None,
    tenants: Sequence[str] = (),
    percent: int | None = None,
    because: str = "",
) -> Change:
    """Read what is meant; what is done to something that it does not name is found here.

    mode: ``active``, ``shadow``, ``staged``, ``withdraw`` or ``rollback``. percent: None: not said. In the shadow a
    bundle for which nobody is named is tried for all.
    :raises StageRefused: it cannot be meant so.
    """
    if mode == WITHDRAW:
        return Change(mode=mode, digest=digest or read_stage().candidate, because=because)
    if mode == ROLLBACK:
        return Change(mode=mode, digest=_before(), because=because)
    if mode not in OF_A_BUNDLE:
        raise StageRefused(f"A change is one of {', '.join((*OF_A_BUNDLE, WITHDRAW, ROLLBACK))}.")
    if percent is None:
        percent = ALL if mode == SHADOW and not tenants else 0
    named = tuple(dict.fromkeys(tenants))
    return Change(mode=mode, digest=digest, tenants=named, percent=percent, because=because)


def make_change(
    change: Change,
    *,
    gives_up: Sequence[str] | UnsetType = UNSET,
    expected: str | UnsetType | None = UNSET,
    by: str,
    at: datetime,
    within: Within = nullcontext,
) -> Activation:
    """Do what is meant.

    gives_up: what of what is promised is known to be given up; UNSET: whatever is. expected, within: as for `activate`.
    :raises TenantNotFound: it names one that is none. Else as `activate`, `withdraw` and `rollback` do.
    """
    shared: dict[str, Any] = {
        "expected": expected,
        "because": change.because,
        "by": by,
        "at": at,
        "within": within,
    }
    match change.mode:
        case "withdraw":
            return withdraw(digest=change.digest, **shared)
        case "rollback":
            return rollback(digest=change.digest, gives_up=gives_up, **shared)
    return activate(
        digest=change.digest,
        mode=Mode.NONE if change.mode == ACTIVE else Mode(change.mode),
        tenants=change.tenant_ids(),
        percent=change.percent,
        gives_up=gives_up,
        **shared,
    )


def confirmed_change(answer: Answer) -> tuple[Change, tuple[str, ...]]:
    """Read what a decision to make a change was about, which is what was confirmed: the change, and what it gives up."""
    said = dict(answer.question.resource.properties)
    gives_up, tenants = tuple(said.pop("gives_up")), tuple(said.pop("tenants"))
    return Change(**said, tenants=tenants), gives_up


def _before() -> str | None:
    try:
        return find_rollback()
    except NothingToUndo:
        # Said to who may go back alone, by going back.
        return None
