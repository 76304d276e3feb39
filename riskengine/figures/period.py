"""Over which days figures are told: whole days by UTC up to now, and no more signals than can be counted while somebody waits."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connections
from msgspec import Struct

from isolation.api import tenant_transaction

DAYS: Final = (7, 30, 90)
"""What can be chosen."""
MOST_DAYS: Final = DAYS[-1]
MOST_SIGNALS: Final = 250_000

LOOKS: Final = """
    s.tenant_id = %(tenant)s AND s.at >= %(since)s AND s.at <= %(until)s
    AND (s.kind IN ('sign_in', 'seen', 'told') OR (s.kind = 'sign_in_failed' AND s.score IS NOT NULL))
"""
"""Signals in which somebody was looked at. A sign-in that failed was, where it was refused for how it looked."""
RANKS: Final = ("low", "unknown", "medium", "high", "critical")
"""Bands as a day of a session counts by the greatest: what was seen for the first time is told before what was as usual."""
RANK: Final = "array_position(ARRAY['low', 'unknown', 'medium', 'high', 'critical'], s.band)"
RISKY: Final = 3
"""The first of the risky ones, counted from 1 as PostgreSQL does."""
SESSION: Final = "coalesce(s.session_id, s.id)"
"""What was looked at outside any session counts by itself."""
DAY: Final = "(s.at AT TIME ZONE 'UTC')::date"

_CUT: Final = """
    SELECT s.at FROM riskengine_signal s
    WHERE s.tenant_id = %(tenant)s AND s.at >= %(since)s AND s.at <= %(until)s
    ORDER BY s.at DESC OFFSET %(most)s LIMIT 1
"""


class Period(Struct, frozen=True, kw_only=True):
    """Some days of one tenant, from the midnight at which the first began to the instant at which they were asked for.

    is_cut: fewer days than were asked for, as they hold too many signals.
    """

    tenant_id: UUID
    since: datetime
    until: datetime
    is_cut: bool = False

    @property
    def days(self) -> list[date]:
        """List the days, the oldest first; the last one is not over."""
        first = self.since.date()
        return [first + timedelta(days=number) for number in range((self.until.date() - first).days + 1)]

    def parameters(self) -> dict[str, Any]:
        """Give what the statements of this room's figures are asked with."""
        return {"tenant": self.tenant_id, "since": self.since, "until": self.until}


def period_of(*, tenant_id: UUID, days: int, at: datetime) -> Period:
    """Give the last days of a tenant: fewer where those hold more than `MOST_SIGNALS`, and never less than today.

    days: 1 to `MOST_DAYS`; what is beyond is taken for the nearest.
    """
    at = at.astimezone(UTC)
    since = _midnight(at.date() - timedelta(days=max(1, min(days, MOST_DAYS)) - 1))
    period = Period(tenant_id=tenant_id, since=since, until=at)
    found = rows(period, _CUT, most=MOST_SIGNALS)
    if not found:
        return period
    # The day that is not whole is left out, unless it is today.
    first = min(found[0][0].astimezone(UTC).date() + timedelta(days=1), at.date())
    return Period(tenant_id=tenant_id, since=_midnight(first), until=at, is_cut=True)


def rows(period: Period, statement: str, **more: Any) -> list[tuple[Any, ...]]:
    """Ask the database within the period's tenant."""
    with tenant_transaction(period.tenant_id, savepoint=False), connections["default"].cursor() as cursor:
        cursor.execute(statement, {**period.parameters(), **more})
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
