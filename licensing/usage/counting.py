"""What is held against which limit, and in which period; nothing is written here."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from licensing.errors import (
    InvalidQuantity,
    LimitReached,
    LimitReachedForGood,
    LimitReachedForNow,
    NeverEntitled,
    NotCounted,
    NotEntitled,
    UnknownFeature,
)
from licensing.holdings import TenantSnapshot
from licensing.snapshots import snapshot_at
from licensing.unlocking import unlock_json
from licensing.usage.periods import MOMENT, Period, period_at, zone_of
from tiergate import Entitlement, FeatureKind, list_enough

MAX_QUANTITY: Final = 10**12
MAX_ITEMS: Final = 50
MAX_KEY: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """So much of one feature, to be taken in one period."""

    feature: str
    quantity: int
    entitlement: Entitlement
    period: Period


def items_of(items: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Put what is to be taken in order, each feature once.

    :raises InvalidQuantity: nothing, too much, or no whole number from 1 on.
    """
    if not 1 <= len(items) <= MAX_ITEMS:
        raise InvalidQuantity(f"A use is of 1 to {MAX_ITEMS} features.")
    out: dict[str, int] = {}
    for feature, quantity in items:
        if type(quantity) is not int or not 1 <= quantity <= MAX_QUANTITY:
            raise InvalidQuantity(f"A quantity is a whole number from 1 to {MAX_QUANTITY}.")
        out[feature] = out.get(feature, 0) + quantity
    if max(out.values()) > MAX_QUANTITY:
        raise InvalidQuantity(f"A quantity is a whole number from 1 to {MAX_QUANTITY}.")
    return sorted(out.items())


def key_of(key: str) -> str:
    """Return a use's key as given.

    :raises InvalidQuantity: it is empty, longer than 200 characters, or not printable ASCII without spaces.
    """
    if not 0 < len(key) <= MAX_KEY or not all("!" <= one <= "~" for one in key):
        raise InvalidQuantity(f"The key of a use is 1 to {MAX_KEY} printable ASCII characters without spaces.")
    return key


def digest_of(**asked: Any) -> str:
    """Hash what is asked for under a key, so that the same key with something else is told from a repetition."""
    return hashlib.sha256(json.dumps(asked, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def lines_of(snapshot: TenantSnapshot, items: Sequence[tuple[str, int]], *, at: datetime) -> list[Line]:
    """Find the limit and the period of each thing to be taken.

    :raises UnknownFeature: the catalogue has no such feature.
    :raises NotCounted: it is no limit, or Tiergate counts it by itself.
    :raises NotEntitled: the tenant may not use it at all.
    """
    return [_line(snapshot, feature, quantity, at) for feature, quantity in items]


def _line(snapshot: TenantSnapshot, feature: str, quantity: int, at: datetime) -> Line:
    entitlement = snapshot.entitlements.get(feature)
    if entitlement is None:
        raise UnknownFeature(f"The catalogue has no feature {feature[:100]!r}.")
    if entitlement.kind != FeatureKind.LIMIT:
        raise NotCounted(f"{feature} is no limit: its use is not counted.", feature=feature)
    if entitlement.counts is not None:
        raise NotCounted(f"{feature} counts {entitlement.counts} as they are: it is not consumed.", feature=feature)
    if entitlement.is_granted is not True:
        unlocks = snapshot.unlocks.get(feature, ())
        error = NotEntitled if unlocks else NeverEntitled
        raise error(f"{feature} is not included.", feature=feature, unlocks=[unlock_json(one) for one in unlocks])
    period = period_of(snapshot, entitlement, at=at)
    return Line(feature=feature, quantity=quantity, entitlement=entitlement, period=period)


def period_of(snapshot: TenantSnapshot, entitlement: Entitlement, *, at: datetime) -> Period:
    """Give the period in which use at ``at`` is counted."""
    zone = zone_of(snapshot.tenant.settings)
    return period_at(entitlement.reset_period, at=at, zone=zone, billing=snapshot.billing)


def line_json(line: Line, opening: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Write a line as the database's functions read it.

    opening: what was left of the period before, where this one has not begun.
    """
    entitlement = line.entitlement
    is_hard = entitlement.unlimited is not True and entitlement.overage is not True
    return {
        "feature": line.feature,
        "quantity": line.quantity,
        "period_start": line.period.start.isoformat(),
        "period_end": line.period.end.isoformat() if line.period.end else None,
        # INVARIANT: a limit that is missing is none at all; only the flags lift it.
        "most": None if entitlement.unlimited is True else (entitlement.limit or 0),
        "is_hard": is_hard,
        "rollover": entitlement.rollover,
        **(opening or {}),
    }


def opening_of(tenant_id: UUID, line: Line) -> dict[str, Any]:
    """Find what the limit was when the period before ended: what was left of that goes on."""
    if line.period.end is None:
        return {"was_limit": 0}
    was = snapshot_at(tenant_id=tenant_id, at=line.period.start - MOMENT).entitlements.get(line.feature)
    is_held = was is not None and was.is_granted is True and was.limit is not None
    return {"was_limit": was.limit if was is not None and is_held else 0}


def refused(line: Line, snapshot: TenantSnapshot, told: Mapping[str, Any], *, at: datetime) -> LimitReached:
    """Say that a line does not fit, and what would help: 402 where an upgrade does, 429 where waiting does."""
    limit, reset_at = line.entitlement.limit or 0, line.period.end
    taken = int(told["used"]) + int(told["reserved"]) + line.quantity
    enough = list_enough(snapshot.unlocks.get(line.feature, ()), limit=limit, taken=taken - int(told["carried"]))
    extra: dict[str, Any] = {
        "feature": line.feature,
        "usage": {
            "used": told["used"],
            "reserved": told["reserved"],
            "carried": told["carried"],
            "limit": limit,
            "reset_at": reset_at.isoformat().replace("+00:00", "Z") if reset_at else None,
        },
        "unlocks": [unlock_json(one) for one in enough],
    }
    sentence = f"{line.quantity} more of {line.feature} is more than is left of its limit."
    if enough:
        return LimitReached(sentence, **extra)
    if reset_at is not None and line.quantity <= limit:
        return LimitReachedForNow(sentence, **extra, retry_after=(reset_at - at).total_seconds())
    return LimitReachedForGood(sentence, **extra)
