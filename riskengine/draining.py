"""Storing the first sights that processes have told of (`riskengine.sights`) as signals, each once."""

from collections.abc import Sequence
from datetime import datetime
from itertools import batched
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import DataError, IntegrityError, transaction
from msgspec import MsgspecError, to_builtins
from redis import Redis

from isolation.api import SecretUnreadable, check_vouched
from riskengine.erasing import LATEST
from riskengine.keys import stream_key
from riskengine.models import Kind, Signal
from riskengine.sights import PURPOSE, Sight, decode_batch
from riskengine.subjects import storable, storable_seen, storable_text
from riskengine.turns import alone

SWEEP: Final = "sweep"
BATCHES: Final = 16
MOST_AT_ONCE: Final = 256
"""Each person of whom something is stored is held until it is committed, and the database has room for so many locks."""
_MOST_RUNS: Final = 64

# Any number will do that nobody else uses.
_LOCK: Final = 0x7469657267736565

_log = structlog.get_logger(__name__)


def drain_sights(*, at: datetime) -> int:
    """Store what the stream holds and say how much was read; where another run is under way, nothing.

    What is older than `erasing.LATEST` is not stored: it may be of somebody of whom it is no longer known that they were erased.

    A run that dies leaves its batches in the stream; the next one stores them, and none is stored twice.

    :raises redis.RedisError: the stream cannot be read.
    :raises django.db.DatabaseError: the database takes nothing now.
    """
    with alone(_LOCK) as is_alone:
        if not is_alone:
            return 0
        with Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=5) as client:
            return _drained(client, since=at - LATEST)


def _drained(client: Redis, *, since: datetime) -> int:
    count = 0
    for _ in range(_MOST_RUNS):
        found: Any = client.xrange(stream_key(), count=BATCHES)
        if not found:
            break
        sights = [sight for _id, message in found for sight in _sights_of(message)]
        for batch in batched((one for one in sights if one.at > since), MOST_AT_ONCE):
            _store(batch)
        client.xdel(stream_key(), *(one for one, _message in found))
        count += len(sights)
    return count


def _sights_of(message: Any) -> list[Sight]:
    """Read a batch; what nobody of this installation sent, or under a key that is gone, teaches nothing."""
    content = message.get(b"r", b"")
    try:
        if check_vouched(content, message.get(b"v", b""), purpose=PURPOSE):
            return decode_batch(content)
    except (SecretUnreadable, MsgspecError) as error:
        _log.warning("risk_sights_unreadable", error=str(error))
        return []
    _log.error("risk_sights_not_ours")
    return []


def _store(sights: Sequence[Sight]) -> None:
    rows = [_row(one) for one in sights]
    try:
        _insert(rows)
    except (DataError, IntegrityError):
        # One that no database takes holds up no other.
        for row in rows:
            try:
                _insert([row])
            except (DataError, IntegrityError):
                _log.exception("risk_sight_refused", tenant=str(row.tenant_id), signal=str(row.id))


def _insert(rows: list[Signal]) -> None:
    with transaction.atomic(using=SWEEP):
        Signal.objects.using(SWEEP).bulk_create(rows, ignore_conflicts=True)


def _row(sight: Sight) -> Signal:
    kind, name = storable(sight.subject)
    return Signal(
        id=sight.id,
        tenant_id=sight.tenant_id,
        at=sight.at,
        subject_type=kind,
        subject_id=name,
        session_id=sight.session_id,
        kind=Kind.SEEN,
        trust=sight.trust,
        seen=storable_seen(sight.seen),
        network=storable_text(sight.seen.network),
        score=sight.score,
        band=sight.band,
        reasons=to_builtins(sight.reasons),
    )
