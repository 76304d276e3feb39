"""Taking of limits: at once, or held first. All of a use or none of it, and the same key the same use."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import connection

from isolation.api import tenant_row, tenant_transaction
from licensing import names
from licensing.errors import InvalidQuantity, UsageBusy, UsageExpired, UsageKeyReused, UsageSettled
from licensing.holdings import TenantSnapshot
from licensing.models.usage import UsageState
from licensing.snapshots import get_snapshot, snapshot_version
from licensing.usage.counting import Line, digest_of, items_of, key_of, line_json, lines_of, opening_of, refused
from licensing.usage.reaching import tell_reached

HELD_FOR: Final = timedelta(minutes=15)
LONGEST: Final = timedelta(days=7)

_STANDING: Final = frozenset({UsageState.CONSUMED, UsageState.COMMITTED, UsageState.RESERVED})
_LOOKS: Final = 5
_TAKE: Final = (
    "licensing_usage_take(%s, %s, %s, %s, %s, %s::timestamptz, %s::uuid, %s, %s, %s, %s, %s::boolean, %s::jsonb)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumed:
    """A use as it stands.

    state: ``consumed``, ``reserved``, ``committed``, ``released`` or ``expired``.
    items: features and quantities; of a reservation that was committed, what of it was used.
    expires_at: of a reservation, until when it is held.
    """

    usage_id: UUID
    key: str
    state: str
    items: tuple[tuple[str, int], ...]
    at: datetime
    expires_at: datetime | None = None

    def check_standing(self, at: datetime) -> None:
        """Refuse a use of which nothing is used, and nothing held any longer at ``at``.

        :raises UsageExpired: it was held, and its time is over. :raises UsageSettled: it was given back.
        """
        is_over = self.state == UsageState.RESERVED and (self.expires_at is None or self.expires_at <= at)
        if is_over or self.state == UsageState.EXPIRED:
            raise UsageExpired("The reservation has expired; nothing of it is held.", key=self.key)
        if self.state not in _STANDING:
            raise UsageSettled(f"This use was {self.state} already.", state=self.state, key=self.key)


def consume(
    *,
    tenant_id: UUID,
    items: Sequence[tuple[str, int]],
    key: str,
    subject: tuple[str, str] | None = None,
    decision_id: UUID | None = None,
    purpose: str = "",
    at: datetime,
) -> Consumed:
    """Use up so much of each feature, all or nothing. The same key with the same items is the same use again.

    items: features and quantities. subject: whose use it is. decision_id: of the decision that let it be.
    purpose: what it is for; the same key for something else is another use.
    :raises LimitReached: more than is left. :raises NotEntitled: the tenant may not use one of them at all.
    :raises NotCounted: it is no limit. :raises UnknownFeature: there is none such.
    :raises UsageKeyReused: the key was used for something else.
    :raises InvalidQuantity: a quantity or key that cannot be one. :raises UsageBusy: limits change too fast.
    """
    asked = _asked("consumed", items, key, subject, decision_id, purpose)
    return _taken(tenant_id, asked, ttl=None, at=at)


def reserve(
    *,
    tenant_id: UUID,
    items: Sequence[tuple[str, int]],
    key: str,
    ttl: timedelta = HELD_FOR,
    subject: tuple[str, str] | None = None,
    decision_id: UUID | None = None,
    purpose: str = "",
    at: datetime,
) -> Consumed:
    """Hold so much of each feature for a time, all or nothing; then commit it, release it, or let it expire.

    ttl: from a second to 7 days. :raises: as `consume`.
    """
    if not timedelta(seconds=1) <= ttl <= LONGEST:
        raise InvalidQuantity(f"A reservation is held from a second to {LONGEST.days} days.")
    asked = _asked("reserved", items, key, subject, decision_id, purpose, ttl=ttl.total_seconds())
    return _taken(tenant_id, asked, ttl=ttl, at=at)


def check_use(*, quantity: int, key: str, ttl: int | None) -> None:
    """Refuse what could never be taken, before anything is looked up. ttl: seconds that it is held; None: used at once.

    :raises InvalidQuantity: a quantity, key or time that cannot be one.
    """
    items_of([("any", quantity)])
    key_of(key)
    if ttl is not None and not 1 <= ttl <= LONGEST.total_seconds():
        raise InvalidQuantity(f"A reservation is held from a second to {LONGEST.days} days.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    state: str
    items: list[tuple[str, int]]
    key: str
    subject: tuple[str, str]
    decision_id: UUID | None
    digest: str


def _asked(
    state: str,
    items: Sequence[tuple[str, int]],
    key: str,
    subject: tuple[str, str] | None,
    decision_id: UUID | None,
    purpose: str,
    **more: Any,
) -> _Asked:
    sorted_items = items_of(items)
    more |= {"purpose": purpose} if purpose else {}
    whose = ("", "") if subject is None else names.subject(*subject)
    return _Asked(
        state=state,
        items=sorted_items,
        key=key_of(key),
        subject=whose,
        decision_id=decision_id,
        digest=digest_of(state=state, items=sorted_items, subject=whose, **more),
    )


def _taken(tenant_id: UUID, asked: _Asked, *, ttl: timedelta | None, at: datetime) -> Consumed:
    snapshot = get_snapshot(tenant_id=tenant_id, at=at)
    openings: dict[str, dict[str, Any]] = {}
    may_reach = connection.in_atomic_block
    for _ in range(_LOOKS):
        lines = lines_of(snapshot, asked.items, at=at)
        usage_id = uuid4()
        told = _take(tenant_id, usage_id, asked, snapshot, lines, openings, ttl, at, may_reach=may_reach)
        match told["outcome"]:
            case "taken":
                return Consumed(
                    usage_id=usage_id,
                    key=asked.key,
                    state=asked.state,
                    items=tuple(asked.items),
                    at=at,
                    expires_at=None if ttl is None else at + ttl,
                )
            case "repeated":
                if told["digest"] != asked.digest:
                    raise UsageKeyReused("This key was used for something else.", key=asked.key)
                return read_use(told)
            case "moved":
                version = snapshot_version(tenant_id=tenant_id)
                snapshot = get_snapshot(tenant_id=tenant_id, at=at, min_version=version)
            case "unopened":
                line = _named(lines, told)
                openings[line.feature] = opening_of(tenant_id, line)
            case "reaching":
                may_reach = True
            case "full":
                raise refused(_named(lines, told), snapshot, told, at=at)
            case outcome:
                raise UsageBusy(f"The use could not be counted: {outcome}.", retry_after=1)
    raise UsageBusy("The tenant's limits change faster than they can be read; ask again.", retry_after=1)


def _named(lines: Sequence[Line], told: dict[str, Any]) -> Line:
    return next(line for line in lines if line.feature == told["feature"])


def _take(  # noqa: PLR0913 - private, and one call
    tenant_id: UUID,
    usage_id: UUID,
    asked: _Asked,
    snapshot: TenantSnapshot,
    lines: Sequence[Line],
    openings: dict[str, dict[str, Any]],
    ttl: timedelta | None,
    at: datetime,
    *,
    may_reach: bool,
) -> dict[str, Any]:
    parameters = [
        tenant_id,
        usage_id,
        asked.key,
        asked.digest,
        asked.state,
        None if ttl is None else at + ttl,
        asked.decision_id,
        *asked.subject,
        at,
        snapshot.version,
        "true" if may_reach else "false",
        json.dumps([line_json(line, openings.get(line.feature)) for line in lines]),
    ]
    if not may_reach:
        # One statement, committed when it returns: it changes nothing where it would have to be told of.
        return _told(tenant_id, parameters)
    with tenant_transaction(tenant_id):
        told = _told(tenant_id, parameters)
        tell_reached(tenant_id=tenant_id, reached=told.get("reached", []), at=at)
        return told


def _told(tenant_id: UUID, parameters: list[Any]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(tenant_row(tenant_id, _TAKE, parameters)[0])
    return told


def read_use(told: dict[str, Any]) -> Consumed:
    """Read a use as the database tells it."""
    is_committed = told["state"] == UsageState.COMMITTED
    return Consumed(
        usage_id=UUID(told["usage_id"]),
        key=told["key"],
        state=told["state"],
        items=tuple((item["feature"], item["settled"] if is_committed else item["quantity"]) for item in told["items"]),
        at=datetime.fromisoformat(told["at"]),
        expires_at=datetime.fromisoformat(told["expires_at"]) if told["expires_at"] else None,
    )
