"""How far sealing is behind."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connections

from audit.checkpoints import SWEEP, newest_checkpoint

COUNTED: Final = 100_000
"""More than these are not counted one by one: that many is alarming enough."""

# By the index that sealing reads; what is sealed beyond the last horizon is few, and left out by its leaf.
_UNSEALED: Final = """
    SELECT count(*), min(at) FROM (
        SELECT e.at FROM audit_entry e
        WHERE (e.xid, e.seq) >= (%s::text::xid8, %s) AND NOT EXISTS (SELECT FROM audit_leaf l WHERE l.seq = e.seq)
        LIMIT %s
    ) AS unsealed
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What is not sealed. entries: at most ``COUNTED``. oldest_at: when the oldest of them happened; None without any."""

    entries: int
    oldest_at: datetime | None


def sealing_backlog() -> Backlog:
    """Count the entries that no checkpoint holds yet, by the sweep's role.

    :raises audit.verifier.Unreadable: somebody wrote over the last checkpoint.
    """
    last = newest_checkpoint()
    horizon = last.told().horizon if last is not None else None
    xid, seq = (horizon.xid, horizon.seq) if horizon is not None and not horizon.is_carrying else (0, 0)
    with connections[SWEEP].cursor() as cursor:
        cursor.execute(_UNSEALED, [str(xid), seq, COUNTED])
        entries, oldest_at = cursor.fetchone()
    return Backlog(entries=entries, oldest_at=oldest_at)
