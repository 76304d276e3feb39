"""How much a tenant used on each of its last days; nothing is written here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connections

from isolation.api import tenant_transaction
from licensing.tenants import get_tenant
from licensing.usage.periods import midnight_of, zone_of

USAGE_DAYS: Final = (7, 30, 90)
"""How many days can be chosen."""
MOST_USES: Final = 250_000
"""So many lines of the ledger are added up while somebody waits."""

_CUT: Final = """
    SELECT e.at FROM licensing_usage_entry e
    WHERE e.tenant_id = %(tenant)s AND e.at >= %(since)s AND e.at <= %(until)s
    ORDER BY e.at DESC OFFSET %(most)s LIMIT 1
"""
# Days begin where the tenant's zone has them, as its counts do; the database is told the instants.
_BY_DAY: Final = """
    SELECT e.feature, width_bucket(e.at, %(begins)s::timestamptz[]) AS day,
        sum(CASE e.state WHEN 'consumed' THEN e.quantity ELSE e.settled END)
    FROM licensing_usage_entry e
    WHERE e.tenant_id = %(tenant)s AND e.at >= %(since)s AND e.at <= %(until)s AND e.state IN ('consumed', 'committed')
    GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageByDay:
    """How much of each limit was used on some days, the oldest first; the last one is not over.

    zone: in which the days begin. used: by feature, a number for each of ``days``; what nothing was used of is left out.
    is_cut: fewer days than were asked for, as those hold too many uses.
    """

    zone: str
    days: tuple[date, ...]
    used: Mapping[str, tuple[int, ...]]
    is_cut: bool = False


def usage_by_day(*, tenant_id: UUID, days: int, at: datetime) -> UsageByDay:
    """Add up what was used on each of the last days: fewer where those hold more than `MOST_USES`, and never less than today.

    What was held first counts on the day on which it was held, and as far as it was used in the end. Days begin at
    midnight in the tenant's zone.

    days: 1 to the most of `USAGE_DAYS`; what is beyond is taken for the nearest.
    :raises TenantNotFound: there is no such tenant.
    """
    zone = zone_of(get_tenant(tenant_id).settings)
    today = at.astimezone(zone).date()
    length = max(1, min(days, USAGE_DAYS[-1]))
    shown = [today - timedelta(days=ago) for ago in range(length - 1, -1, -1)]
    asked = {"tenant": tenant_id, "since": midnight_of(shown[0], zone), "until": at}
    with tenant_transaction(tenant_id, savepoint=False):
        found = _rows(_CUT, asked | {"most": MOST_USES})
        if found:
            # The day that is not whole is left out, unless it is today.
            cut = found[0][0].astimezone(zone).date()
            shown = [day for day in shown if day > cut] or [today]
        begins = [midnight_of(day, zone) for day in shown]
        told = _rows(_BY_DAY, asked | {"since": begins[0], "begins": begins})
    used: dict[str, list[int]] = {}
    for feature, day, quantity in told:
        used.setdefault(feature, [0] * len(shown))[day - 1] = int(quantity)
    return UsageByDay(
        zone=zone.key,
        days=tuple(shown),
        used={feature: tuple(row) for feature, row in sorted(used.items())},
        is_cut=bool(found),
    )


def _rows(statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connections["default"].cursor() as cursor:
        cursor.execute(statement, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
