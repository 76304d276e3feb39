"""How risky did sessions look in each of several tenants? For the vendor's operator alone."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connections

from riskengine.figures.over_time import Counts
from riskengine.figures.period import DAY, RANK, RANKS, SESSION

SWEEP: Final = "sweep"
MOST_TENANTS: Final = 50
SINCE: Final = timedelta(days=7)

_BY_TENANT: Final = f"""
    SELECT tenant_id, rank, count(*) FROM (
        SELECT s.tenant_id, {DAY} AS day, {SESSION} AS session, max({RANK}) AS rank
        FROM unnest(%(tenants)s::uuid[]) AS t(id)
        JOIN riskengine_signal s ON s.tenant_id = t.id AND s.at > %(since)s AND s.at <= %(until)s
            AND (s.kind IN ('sign_in', 'seen', 'told') OR (s.kind = 'sign_in_failed' AND s.score IS NOT NULL))
        GROUP BY 1, 2, 3
    ) AS each GROUP BY 1, 2
"""  # noqa: S608 - of constants


def risk_by_tenant(*, tenant_ids: Collection[UUID], at: datetime) -> dict[UUID, Counts]:
    """Count the sessions of some tenants' last seven days by band, each once a day; a tenant in which nobody came is left out.

    :raises ValueError: more tenants than `MOST_TENANTS`.
    """
    if len(tenant_ids) > MOST_TENANTS:
        raise ValueError(f"Ask for at most {MOST_TENANTS} tenants at once.")
    found: dict[UUID, Counts] = {}
    with connections[SWEEP].cursor() as cursor:
        cursor.execute(_BY_TENANT, {"tenants": list(tenant_ids), "since": at - SINCE, "until": at})
        for tenant_id, rank, number in cursor.fetchall():
            found[tenant_id] = found.get(tenant_id, Counts()) + Counts(**{RANKS[rank - 1]: number})
    return found
