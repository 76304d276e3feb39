"""How often would people be asked, had bands begun elsewhere, and who of those that were not theirs would not have been?

Told of recorded scores, of each of them; what people would have done otherwise nobody knows.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict, replace

from isolation.api import tenant_transaction
from riskengine import references
from riskengine.bands import BUILT_IN, FARTHEST, Cutoffs
from riskengine.figures.over_time import Counts
from riskengine.figures.period import DAY, LOOKS, SESSION, Period, period_of, rows
from riskengine.policies import RiskPolicy, get_policy
from riskengine.requirements import Table
from riskengine.words import FIRST_TIME
from tiergate import Band, Sensitivity

BEGIN: Final = ("medium", "high", "critical")

# As `bands.band_of` and `bands.banded` say: a first time is never a low risk.
_BAND: Final = """CASE WHEN score >= %({0}_critical)s THEN 'critical' WHEN score >= %({0}_high)s THEN 'high'
    WHEN score >= %({0}_medium)s THEN 'medium' WHEN is_first THEN 'unknown' ELSE 'low' END"""
_NOW, _THEN = _BAND.format("now"), _BAND.format("then")
# IS TRUE has the sessions looked up in a hash, and not joined as a planner sees fit that knows nothing of either yet.
_COUNTED: Final = f"""
    WITH looks AS (
        SELECT {DAY} AS day, {SESSION} AS session, max(s.score) AS score,
            bool_or(s.score IS NULL OR s.reasons @> '[{{"code": "{FIRST_TIME}"}}]') AS is_first
        FROM riskengine_signal s WHERE {LOOKS} GROUP BY 1, 2
    ), not_own AS (
        SELECT s.session_id FROM riskengine_signal s
        WHERE s.tenant_id = %(tenant)s AND s.at >= %(since)s AND s.at <= %(until)s AND s.session_id IS NOT NULL
          AND s.kind IN ('step_up_passed', 'step_up_failed', 'confirmed_mine', 'confirmed_not_mine')
        GROUP BY 1
        HAVING bool_or(s.kind = 'confirmed_not_mine') OR bool_and(s.kind = 'step_up_failed')
    ), caught AS (
        SELECT max(score) AS score, bool_or(is_first) AS is_first
        FROM looks WHERE (session IN (SELECT session_id FROM not_own)) IS TRUE GROUP BY session
    )
    SELECT FALSE, {_NOW}, {_THEN}, count(*), min(day) FROM looks GROUP BY 1, 2, 3
    UNION ALL
    SELECT TRUE, {_NOW}, {_THEN}, count(*), NULL FROM caught GROUP BY 1, 2, 3
"""  # noqa: S608 - of constants


class Asked(Struct, frozen=True, kw_only=True):
    """What it would mean for what is so sensitive.

    a_day, a_day_then: sessions that are asked for something on a day, if each does something so sensitive.
    unasked, unasked_then: of those that were not their person's, how many are not.
    """

    a_day: float
    a_day_then: float
    unasked: int
    unasked_then: int


class WhatIf(Struct, frozen=True, kw_only=True):
    """What was counted. days: of recorded history, the first of them the first with any. not_own: sessions that were not their person's.

    now: at the bands that are in force; then: at those that are asked about.
    """

    period: Period
    policy: RiskPolicy
    days: int
    cutoffs: Cutoffs
    cutoffs_then: Cutoffs
    now: Counts
    then: Counts
    not_own: int
    asked: Mapping[Sensitivity, Asked]


def least_begin(band: str) -> float:
    """Say how low a band may begin: a tenant's own scores can move it no further either."""
    return float(getattr(BUILT_IN, band)) - FARTHEST


def most_begin(band: str) -> float:
    """Say how high a band may begin."""
    return float(getattr(BUILT_IN, band)) + FARTHEST


def what_if(*, tenant_id: UUID, days: int, begins: Mapping[str, float], at: datetime) -> WhatIf:
    """Count a tenant's recorded sessions as they were scored, at the bands in force and at others.

    Each session counts once a day, at the riskiest that it looked.
    begins: by band of `BEGIN` the score from which on it begins; one that is left out begins where it does now. What goes beyond
    what a band may be is taken for the nearest, and a band never begins below the one before it.
    :raises riskengine.errors.RiskUnavailable: where bands begin now cannot be read.
    """
    with tenant_transaction(tenant_id):
        period = period_of(tenant_id=tenant_id, days=days, at=at)
        policy, now = get_policy(tenant_id=tenant_id), references.of_tenant(tenant_id).cutoffs
        then = _bounded(now, begins)
        found = rows(period, _COUNTED, **_named("now", now), **_named("then", then))
    looks, caught = [one for one in found if not one[0]], [one for one in found if one[0]]
    first = min((one[4] for one in looks), default=period.until.date())
    length = (period.until.date() - first).days + 1
    return WhatIf(
        period=period,
        policy=policy,
        days=length,
        cutoffs=now,
        cutoffs_then=then,
        now=_counts((one[1], one[3]) for one in looks),
        then=_counts((one[2], one[3]) for one in looks),
        not_own=sum(one[3] for one in caught),
        asked={
            one: Asked(
                a_day=_asked(((row[1], row[3]) for row in looks), policy.table, one) / length,
                a_day_then=_asked(((row[2], row[3]) for row in looks), policy.table, one) / length,
                unasked=_unasked(((row[1], row[3]) for row in caught), policy.table, one),
                unasked_then=_unasked(((row[2], row[3]) for row in caught), policy.table, one),
            )
            for one in Sensitivity
        },
    )


def _bounded(now: Cutoffs, begins: Mapping[str, float]) -> Cutoffs:
    found: dict[str, float] = {}
    for before, band in zip((None, *BEGIN), BEGIN, strict=False):
        wanted = getattr(now, band)
        if band in begins:
            # A NaN is neither more nor less than anything: it comes out as the least.
            wanted = (
                max(least_begin(band), min(most_begin(band), begins[band]))
                if begins[band] == begins[band]
                else least_begin(band)
            )
        found[band] = wanted if before is None else max(wanted, found[before])
    return replace(now, **found)


def _named(name: str, cutoffs: Cutoffs) -> dict[str, Any]:
    return {f"{name}_{band}": value for band, value in asdict(cutoffs).items() if band in BEGIN}


def _counts(found: Iterable[tuple[str, int]]) -> Counts:
    out = Counts()
    for band, number in found:
        out += Counts(**{band: number})
    return out


def _asked(found: Iterable[tuple[str, int]], table: Table, sensitivity: Sensitivity) -> int:
    return sum(number for band, number in found if table[cast("Band", band)][sensitivity] is not None)


def _unasked(found: Iterable[tuple[str, int]], table: Table, sensitivity: Sensitivity) -> int:
    return sum(number for band, number in found if table[cast("Band", band)][sensitivity] is None)
