"""Reading what tenants hold from a copy of the database, where the copy is proven to be new enough.

The proof needs no clock: the primary says up to where it has written, the copy says how far it has come. A copy that
has reached a position holds all that was committed before the primary was asked, so that what is read there is as
true as what the primary would have said at that moment: at most `MARK_SECONDS` ago. Where the copy lags behind, is
away, or follows another line of history than the primary, the primary is read as if there were no copy.

Only what snapshots are made from is read so; credentials, sessions and records never are.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from licensing.errors import SnapshotBehind, TenantNotFound

REPLICA: Final = "replica"
"""The alias of the copy; `DATABASE_REPLICA_URL` names it."""

MARK_SECONDS: Final = 0.25

# The first eight digits of a segment's name are the line of history: after a failover, another one.
_POSITION: Final = "SELECT p::text, left(pg_walfile_name(p), 8) FROM pg_current_wal_insert_lsn() AS p"
# A copy tells its line by its last restart point. Until it has made one on the new line it is not believed.
_REACHED: Final = """
    SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= %s::pg_lsn
           AND lpad(upper(to_hex(timeline_id)), 8, '0') = %s
    FROM pg_control_checkpoint()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """How far the primary had written. at: by the process's own steady clock. news: how many changes were told."""

    position: str
    line: str
    at: float
    news: int


class _Copy:
    """What one process knows of the copy."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reached: _Mark | None = None
        self._refused_at = float("-inf")
        self.reads = {REPLICA: 0, DEFAULT_DB_ALIAS: 0}

    def as_of(self, news: int) -> float | None:
        """Return the moment that the copy is at least as new as; None where that is not proven."""
        if REPLICA not in settings.DATABASES:
            return None
        mark = self._reached
        now = time.monotonic()
        if mark is not None and mark.news == news and now - mark.at < MARK_SECONDS:
            return mark.at
        if now - self._refused_at < MARK_SECONDS and (mark is None or mark.news == news):
            return None
        mark = self._look(news)
        with self._lock:
            self._reached, self._refused_at = mark, self._refused_at if mark else time.monotonic()
        return None if mark is None else mark.at

    def _look(self, news: int) -> _Mark | None:
        at = time.monotonic()
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(_POSITION)
            position, line = cursor.fetchone()
        try:
            with connections[REPLICA].cursor() as cursor:
                cursor.execute(_REACHED, [position, line])
                (has_reached,) = cursor.fetchone()
        except DatabaseError:
            return None
        return _Mark(position=position, line=line, at=at, news=news) if has_reached else None


_copy = _Copy()


def read[T](reading: Callable[[str], T], *, news: int, may_copy: bool) -> tuple[T, float]:
    """Read from the copy where it is proven to be new enough, else from the primary.

    reading: is given the alias to read by. news: how many changes this process has been told of; a copy that was
    proven before the last of them is proven anew. may_copy: False reads from the primary. Returns what was read, and the moment, by the steady clock, that
    it is at least as new as.
    """
    as_of = _copy.as_of(news) if may_copy else None
    if as_of is not None:
        try:
            found = reading(REPLICA)
        except (DatabaseError, SnapshotBehind, TenantNotFound):
            # A copy may end a query to go on itself; and what it has not heard of may be there all the same.
            pass
        else:
            _copy.reads[REPLICA] += 1
            return found, as_of
    looked_at = time.monotonic()
    found = reading(DEFAULT_DB_ALIAS)
    _copy.reads[DEFAULT_DB_ALIAS] += 1
    return found, looked_at


def reads() -> dict[str, int]:
    """Count by alias what this process has read so far."""
    return dict(_copy.reads)
