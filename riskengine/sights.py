"""The first sight of a session with its looks on a day: told a moment later, by a thread, and stored by a worker.

A decision writes no signal: it hands over a few bytes and goes on. Losing some, as where Valkey is away or nobody drains, means
that less is learned, and nothing else; so nothing waits for them, and nothing is kept that is too much.
"""

from collections import deque
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from msgspec import Struct
from msgspec.msgpack import Decoder, Encoder
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from isolation.api import PATIENCE_AT_EXIT, OneOfProcess, Sending, vouched
from riskengine.assessment import Assessment, RiskReason
from riskengine.keys import stream_key
from riskengine.looks import the_same
from riskengine.metrics import SIGHTS
from riskengine.seen import Seen
from riskengine.subjects import Subject
from tiergate import Band

PURPOSE: Final = "risk-seen"
MOST_WAITING: Final = 10_000
MOST_BATCHES: Final = 20_000
"""In the stream: where nobody drains it, the oldest go."""
BATCH: Final = 256
_FLUSH_SECONDS: Final = 0.05
_PAUSE_SECONDS: Final = 1.0
_TIMEOUT_SECONDS: Final = 1.0
_MOST_NOTED: Final = 50_000

TRUST: Final = 0.25
"""What was let through at a low risk, without anything being asked. Of an unknown risk nothing is learned by seeing it: a tenant may
ask something of just those, and whoever could not answer must not be usual the next time."""

_log = structlog.get_logger(__name__)


class Sight(Struct, frozen=True, array_like=True):
    """One first sight on its way. id: the same wherever and however often it is noted."""

    id: UUID
    tenant_id: UUID
    at: datetime
    subject: Subject
    session_id: UUID
    seen: Seen
    score: float | None
    band: Band
    reasons: tuple[RiskReason, ...]
    trust: float


encode_batch: Final = Encoder().encode
decode_batch: Final = Decoder(list[Sight]).decode


def note_sight(
    *,
    tenant_id: UUID,
    subject: Subject,
    session_id: UUID,
    seen: Seen,
    assessment: Assessment,
    is_settled: bool,
    at: datetime,
) -> None:
    """Take note of how a session looks, where this process did not that day.

    is_settled: its person has confirmed whatever made it look risky; else nothing is learned of it.
    """
    sender = _sender.get()
    mark = the_same(seen), at.astimezone(UTC).toordinal()
    if sender.is_news((session_id, *mark)):
        digest = blake2b(f"{tenant_id} {session_id} {mark}".encode(), digest_size=16).digest()
        sender.take(
            Sight(
                id=UUID(bytes=digest),
                tenant_id=tenant_id,
                at=at,
                subject=subject,
                session_id=session_id,
                seen=seen,
                score=assessment.score,
                band=assessment.band,
                reasons=assessment.reasons,
                trust=TRUST if assessment.band == "low" and is_settled else 0.0,
            )
        )


def flush_sights(*, seconds: float = PATIENCE_AT_EXIT) -> bool:
    """Send what waits, and say whether all of it was sent."""
    return _sender.get().flush(seconds=seconds)


class Sender(Sending):
    """The thread that sends, in one process."""

    def __init__(self) -> None:
        super().__init__(name="tiergate-sights")
        self._waiting: deque[Sight] = deque()
        self._noted: set[tuple[UUID, str, int]] = set()
        self._is_sending = False
        self._client = Redis.from_url(
            settings.REDIS_URL,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
        )
        self._begin()

    def is_news(self, mark: tuple[UUID, str, int]) -> bool:
        """Say whether this is noted for the first time; what was forgotten is stored once all the same."""
        if mark in self._noted:
            return False
        if len(self._noted) >= _MOST_NOTED:
            self._noted = set()
        self._noted.add(mark)
        return True

    def take(self, sight: Sight) -> None:
        """Take a sight to be sent, unless too many wait."""
        if len(self._waiting) >= MOST_WAITING:
            SIGHTS.labels("dropped").inc()
            return
        self._waiting.append(sight)
        self._wake()

    def _is_behind(self) -> bool:
        return bool(self._waiting) or self._is_sending

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._something.wait()
            self._something.clear()
            self._stopped.wait(_FLUSH_SECONDS)
            self._is_sending, failure = True, None
            try:
                self._send()
            except Exception as error:  # noqa: BLE001 - whatever it was, later ones are to be sent
                failure = error
            self._is_sending = False
            self._idle.set()
            if failure is not None:
                _log.warning("risk_sights_not_sent", error=str(failure))
                self._stopped.wait(_PAUSE_SECONDS)

    def _send(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            try:
                self._client.xadd(stream_key(), message_of(batch), maxlen=MOST_BATCHES, approximate=True)
            except BaseException:
                SIGHTS.labels("dropped").inc(len(batch))
                raise
            SIGHTS.labels("sent").inc(len(batch))


def message_of(batch: list[Sight]) -> dict[Any, Any]:
    """Write a batch as an entry of the stream. Whoever else writes to Valkey teaches nobody's profile."""
    content = encode_batch(batch)
    return {b"r": content, b"v": vouched(content, purpose=PURPOSE)}


def stop_sights() -> None:
    """Send what waits and end this process's thread, as at the end of a test."""
    _sender.stop()


_sender: Final = OneOfProcess(Sender)
