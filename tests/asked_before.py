"""A process that has been asked about a world before, as one that serves has been: what it then remembers of tenants.

Tests of one world begin with the same rows, and so would each read and compile the same catalogue first. What was read
once is remembered again for each, yet not believed: its first use holds it against the counters in the database, which
are put back with the rows.
"""

from datetime import datetime
from typing import Final

from licensing import api as licensing
from licensing import snapshots
from licensing.holdings import Holdings

_FIRST: Final = 10
_held: dict[str, list[Holdings]] = {}


def remember_tenants(world: str, *, at: datetime) -> None:
    """Remember what the first tenants of a world, and the vendor, hold from ``at`` on, and nothing else.

    world: as its rows were just put back; each is read once in this process.
    """
    memory = snapshots._memory
    memory.clear()
    if world not in _held:
        tenants = [licensing.VENDOR_TENANT_ID, *(one.id for one in licensing.list_tenants(limit=_FIRST))]
        _held[world] = [snapshots._build(tenant_id, at).holdings for tenant_id in tenants]
        memory.clear()
    for one in _held[world]:
        entry = snapshots._Entry(
            holdings=one, snapshot=one.resolve(one.since), resolved_at=one.since, checked_at=float("-inf")
        )
        memory.keep(one.tenant.id, entry, news=memory.news)
