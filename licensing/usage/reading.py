"""How much of its limits a tenant has used; nothing is written here."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from isolation.api import tenant_row
from licensing.holdings import TenantSnapshot
from licensing.seats import count_seats
from licensing.snapshots import get_snapshot
from licensing.usage.counting import Line, line_json, opening_of, period_of
from tiergate import Entitlement, FeatureKind, UsageFact

_READ: Final = "licensing_usage_read(%s, %s::jsonb, %s, %s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageView:
    """How much of one limit is taken.

    limit: None where there is none: see ``unlimited``. carried: comes on top of it, from the period before.
    overage: how much was used beyond both; only a soft limit lets any.
    period_start, reset_at: of the current period; reset_at None: the count never starts again.
    """

    used: int
    reserved: int
    limit: int | None
    unlimited: bool
    overage: int
    carried: int
    period_start: datetime
    reset_at: datetime | None


def usage_of(*, tenant_id: UUID, at: datetime) -> dict[str, UsageView]:
    """Tell how much of each limit that the tenant has is taken at ``at``.

    :raises TenantNotFound: there is no such tenant.
    """
    snapshot = get_snapshot(tenant_id=tenant_id, at=at)
    lines = [
        _line(snapshot, entitlement, at)
        for _key, entitlement in sorted(snapshot.entitlements.items())
        if entitlement.kind == FeatureKind.LIMIT and entitlement.is_granted
    ]
    facts = _facts(tenant_id, lines, key=None, at=at)
    return {line.feature: _view(line, facts[line.feature]) for line in lines}


def usage_fact(
    *, tenant_id: UUID, snapshot: TenantSnapshot, feature: str, key: str | None = None, at: datetime
) -> UsageFact:
    """Read how much of one limit is taken, in one statement.

    key: of the use that is about to be; what was taken under it already is left out.
    """
    line = _line(snapshot, snapshot.entitlements[feature], at)
    return _facts(tenant_id, [line], key=key, at=at)[feature]


def _line(snapshot: TenantSnapshot, entitlement: Entitlement, at: datetime) -> Line:
    period = period_of(snapshot, entitlement, at=at)
    return Line(feature=entitlement.feature, quantity=1, entitlement=entitlement, period=period)


def _facts(tenant_id: UUID, lines: Sequence[Line], *, key: str | None, at: datetime) -> dict[str, UsageFact]:
    consumed = [line for line in lines if line.entitlement.counts is None]
    told = _read(tenant_id, [line_json(line) for line in consumed], key, at) if consumed else {}
    unopened = [
        line for line in consumed if line.entitlement.rollover is not None and not told[line.feature]["is_open"]
    ]
    if unopened:
        asked = [line_json(line, opening_of(tenant_id, line)) for line in unopened]
        told |= _read(tenant_id, asked, key, at)
    out = {
        line.feature: UsageFact(
            used=told[line.feature]["used"],
            reserved=told[line.feature]["reserved"],
            carried=told[line.feature]["carried"],
            reset_at=line.period.end,
        )
        for line in consumed
    }
    if len(consumed) < len(lines):
        seats = count_seats(tenant_id=tenant_id, at=at)
        taken = UsageFact(used=seats.members, reserved=seats.invitations)
        out |= {line.feature: taken for line in lines if line.entitlement.counts is not None}
    return out


def _read(tenant_id: UUID, lines: Sequence[Mapping[str, Any]], key: str | None, at: datetime) -> dict[str, Any]:
    told = json.loads(tenant_row(tenant_id, _READ, [tenant_id, json.dumps(lines), key, at])[0])
    return {one["feature"]: one for one in told}


def _view(line: Line, fact: UsageFact) -> UsageView:
    entitlement = line.entitlement
    limit = None if entitlement.unlimited is True else (entitlement.limit or 0)
    return UsageView(
        used=fact.used,
        reserved=fact.reserved,
        limit=limit,
        unlimited=entitlement.unlimited is True,
        overage=0 if limit is None else max(0, fact.used - limit - fact.carried),
        carried=fact.carried,
        period_start=line.period.start,
        reset_at=line.period.end,
    )
