"""Entries that may be appended a moment later: encoded by the request, sent in batches, kept until they are stored.

A request hands over the bytes of its entry and goes on. A thread sends what has gathered every five milliseconds as
one entry of a Valkey stream, from which a worker stores it in PostgreSQL (`audit.draining`). What was sent is kept
here until the worker has said so, and sent again after every new connection, since a server that was restarted or
wiped says nothing of what it lost: an entry is stored once however often it arrives. Where Valkey does not answer,
what is kept is stored in PostgreSQL at once, and nothing more is taken until it does: callers then append directly.

So an entry is lost only with this process: what it held in its last five milliseconds, and what was sent if Valkey
dies before the worker has stored it.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast
from uuid import UUID

import structlog
from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from audit.records import (
    Record,
    encode_record,
    joined,
    life_key,
    message_of,
    read_record,
    split,
    stored_key,
    stream_key,
    stream_order,
)
from audit.storing import store_as_tenants, store_each
from isolation.api import PATIENCE_AT_EXIT, OneOfProcess, Sending

FLUSH_SECONDS: Final = 0.005
MAX_WAITING: Final = 16 * 1024 * 1024
"""Bytes that may wait to be sent; more are refused."""
MAX_HELD: Final = 128 * 1024 * 1024
"""Bytes that may wait to be stored; more are refused."""

MAX_BATCH: Final = 256
"""Entries that are sent as one."""

_ASK_SECONDS: Final = 0.25
_RETRY_SECONDS: Final = 0.1
_TIMEOUT_SECONDS: Final = 1.0

_log = structlog.get_logger(__name__)

type Store = Callable[[list[Record]], int]


def append_later(
    *,
    tenant_id: UUID,
    entry_id: UUID,
    kind: str,
    at: datetime,
    payload: bytes,
    subject: tuple[str, str],
    session_id: UUID | None = None,
) -> bool:
    """Take an entry to be stored within about a second, and say whether it was taken.

    False means that nothing was taken: append it at once instead, or refuse.
    """
    record = Record(
        tenant_id.bytes,
        entry_id.bytes,
        kind,
        at,
        subject[0],
        subject[1],
        session_id.bytes if session_id else b"",
        payload,
    )
    return _sender.get().take(encode_record(record))


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamState:
    """How far behind this process is. waiting: bytes not yet sent. held: bytes not known to be stored."""

    waiting: int
    held: int
    is_taking: bool


def stream_state() -> StreamState:
    """Tell how far behind this process is."""
    return _sender.get().state()


def flush_stream(*, seconds: float = PATIENCE_AT_EXIT) -> bool:
    """Send what waits and say whether all of it was sent, as before a process ends."""
    return _sender.get().flush(seconds=seconds)


@dataclass(slots=True)
class _Batch:
    content: bytes
    stream_id: tuple[int, int] = (0, 0)


class Sender(Sending):
    """The thread that sends, in one process."""

    def __init__(self, store: Store) -> None:
        super().__init__(name="tiergate-entries")
        self._store = store
        self._lock = threading.Lock()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._unsent: deque[_Batch] = deque()
        self._sent: deque[_Batch] = deque()
        self._held_bytes = 0
        self._is_taking = True
        self._is_reconnected = False
        self._life: bytes | None = None
        self._asked_at = float("-inf")
        self._client = self._connected()
        self._begin()

    def take(self, record: bytes) -> bool:
        """Take one encoded record, unless there is trouble ahead or too much behind."""
        size = len(record)
        with self._lock:
            if not self._is_taking or self._waiting_bytes + size > MAX_WAITING or self._held_bytes > MAX_HELD:
                return False
            self._waiting.append(record)
            self._waiting_bytes += size
        self._wake()
        return True

    def state(self) -> StreamState:
        """Tell how far behind this process is."""
        return StreamState(waiting=self._waiting_bytes, held=self._held_bytes, is_taking=self._is_taking)

    def _is_behind(self) -> bool:
        return bool(self._waiting_bytes or self._unsent)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._something.wait(_ASK_SECONDS if self._sent or self._unsent else None)
            self._something.clear()
            self._stopped.wait(FLUSH_SECONDS)
            try:
                if not self._is_taking:
                    self._client.ping()
                self._send()
                self._forget_stored()
                self._is_taking = True
            except Exception as error:  # noqa: BLE001 - whatever it was, what is held must not be lost by it
                self._bring_home(error)
            self._idle.set()

    def _send(self) -> None:
        """Send what has gathered, as few entries of the stream; a batch is held until it is known to be stored."""
        self._gather()
        while self._unsent:
            batch = self._unsent[0]
            with self._client.pipeline(transaction=True) as pipeline:
                pipeline.set(life_key(), os.urandom(8).hex(), nx=True, get=True)
                pipeline.get(life_key())
                pipeline.xadd(stream_key(), message_of(batch.content))
                _, life, stream_id = pipeline.execute()
            batch.stream_id = stream_order(stream_id)
            # Whoever waits until nothing is left to send looks at any moment: what comes again is there before this goes.
            again = self._notice(life)
            del self._unsent[again]
            self._sent.append(batch)

    def _notice(self, life: bytes | None) -> int:
        """Send again whatever another server, or one that has forgotten, may not have; say how many batches that are."""
        if not self._is_reconnected and life == self._life:
            return 0
        again = len(self._sent)
        self._is_reconnected, self._life = False, life
        self._unsent.extendleft(reversed(self._sent))
        self._sent.clear()
        return again

    def _gather(self) -> None:
        with self._lock:
            taken, self._waiting, waited_bytes = self._waiting, [], self._waiting_bytes
        try:
            for at in range(0, len(taken), MAX_BATCH):
                batch = _Batch(joined(taken[at : at + MAX_BATCH]))
                self._unsent.append(batch)
                self._held_bytes += len(batch.content)
        finally:
            with self._lock:
                # Not before, or for a moment nothing would seem to be left to send.
                self._waiting_bytes -= waited_bytes

    def _forget_stored(self) -> None:
        """Forget what the worker has stored."""
        if not self._sent or time.monotonic() - self._asked_at < _ASK_SECONDS:
            return
        self._asked_at = time.monotonic()
        life, stored = cast("list[bytes | None]", self._client.mget(life_key(), stored_key()))
        self._notice(life)
        if stored is None:
            return
        until = stream_order(stored)
        while self._sent and self._sent[0].stream_id <= until:
            self._held_bytes -= len(self._sent.popleft().content)

    def _bring_home(self, error: Exception) -> None:
        """Store what is held in PostgreSQL, since Valkey cannot be trusted to; take nothing more meanwhile."""
        if self._is_taking:
            _log.warning("entries_not_sent", error=str(error), bytes=self._held_bytes)
        self._is_taking = False
        self._gather()
        self._unsent.extendleft(reversed(self._sent))
        self._sent.clear()
        try:
            while self._unsent:
                store_each([read_record(one) for one in split(self._unsent[0].content)], self._store)
                self._held_bytes -= len(self._unsent.popleft().content)
        except Exception as failure:  # noqa: BLE001 - as above: it is tried again
            _log.warning("entries_not_stored", error=str(failure), bytes=self._held_bytes)
        self._something.set()
        self._stopped.wait(_RETRY_SECONDS)

    def _connected(self) -> Redis:
        def on_connect(connection: object) -> None:
            self._is_reconnected = True
            connection.on_connect()  # type: ignore[attr-defined]

        return Redis.from_url(
            settings.REDIS_URL,
            redis_connect_func=on_connect,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
        )


def stop_stream() -> None:
    """Send what waits and end this process's thread, as at the end of a test."""
    _sender.stop()


_sender: Final = OneOfProcess(lambda: Sender(store_as_tenants))
