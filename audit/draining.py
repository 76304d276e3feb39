"""Store in PostgreSQL what processes have sent to the stream (`audit.stream`)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import connections
from msgspec import MsgspecError
from redis import Redis

from audit.records import Record, batch_of, read_record, split, stored_key, stream_key
from audit.storing import SWEEP, store_all, store_each
from isolation.api import SecretUnreadable

BATCHES: Final = 64
"""Entries of the stream, each a batch of records, that are stored at once."""

# Any number will do that nobody else uses.
_LOCK: Final = 0x7469657264726169

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What one run did. stored: entries that were new. refused: what no database would take, and batches not ours."""

    stored: int = 0
    refused: int = 0


def drain(*, progress: Callable[[int], None] | None = None) -> Drained:
    """Store everything that the stream holds, and say how much that was; where another run is under way, nothing.

    A run that dies leaves its batches in the stream; the next one stores them, and none is stored twice.

    :raises redis.RedisError: the stream cannot be read.
    :raises django.db.DatabaseError: the database does not take anything now.
    :raises SecretUnreadable: the next batch is vouched for by a key that is not in the ring; it waits until it is.
    """
    connection = connections[SWEEP]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return Drained()
        try:
            with Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=5) as client:
                return _drained(client, progress)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def stream_length() -> int:
    """Tell how many batches wait in the stream.

    :raises redis.RedisError: the stream cannot be read.
    """
    with Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1) as client:
        return int(client.xlen(stream_key()))


def _drained(client: Redis, progress: Callable[[int], None] | None) -> Drained:
    stored = refused = 0
    while True:
        found: Any = client.xrange(stream_key(), count=BATCHES)
        if not found:
            return Drained(stored=stored, refused=refused)
        records, unreadable, read = _read(found)
        new, bad = store_each(records, store_all)
        stored, refused = stored + new, refused + bad + unreadable
        with client.pipeline(transaction=True) as pipeline:
            # First what the senders look at; a run that dies in between stores the same entries again, for nothing.
            pipeline.set(stored_key(), read[-1])
            pipeline.xdel(stream_key(), *read)
            pipeline.execute()
        if progress is not None:
            progress(stored)


def _read(found: Any) -> tuple[list[Record], int, list[bytes]]:
    """Read the records of some batches, and say how many were refused, and which batches that is all of.

    :raises SecretUnreadable: the first one is vouched for by a key that is not in the ring.
    """
    records: list[Record] = []
    read: list[bytes] = []
    refused = 0
    for stream_id, fields in found:
        try:
            batch = batch_of(fields)
        except SecretUnreadable:
            if not read:
                raise
            break
        read.append(stream_id)
        if batch is None:
            refused += 1
            _log.error("entries_not_ours", stream_id=stream_id.decode())
            continue
        for encoded in split(batch):
            try:
                records.append(read_record(encoded))
            except MsgspecError:
                refused += 1
                _log.exception("entry_unreadable", stream_id=stream_id.decode())
    return records, refused, read
