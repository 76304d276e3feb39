"""Have every process make ready what is about to be needed, and wait for them, a while.

Nothing rests on it: whoever is not told, is not ready in time, or cannot say so makes it ready when it is needed.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import structlog
from django.conf import settings
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from licensing import push

type Done = Callable[[], None]
type Handler = Callable[[str, Done], None]

_ANNOUNCED: Final = "announced"
_KEPT_SECONDS: Final = 60
_LOOK_SECONDS: Final = 0.5

_log = structlog.get_logger(__name__)
_handlers: dict[str, Handler] = {}
# The newest of this process's own: it makes those ready by itself.
_own: deque[str] = deque(maxlen=64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What was announced. processes: how many were told; reply: where they say that they are ready."""

    processes: int
    reply: str

    def wait(self, *, seconds: float) -> bool:
        """Wait until every process that was told is ready, or the time is over; say whether all are."""
        until = time.monotonic() + seconds
        try:
            with _patient_client() as client:
                return all(_has_come(client, self.reply, until) for _ in range(self.processes))
        except (RedisError, OSError) as error:
            _log.warning("readiness_not_heard", error=str(error))
            return False


def heed(kind: str, handler: Handler) -> None:
    """Call ``handler(key, done)`` for what other processes announce; it calls ``done`` once this process is ready.

    It is called from the listener's thread: what takes long it does in another one.
    """
    _handlers[kind] = handler


def announce(kind: str, key: str) -> Announced:
    """Tell all other processes at once what is about to be needed. Where they cannot be told, nobody was."""
    reply = uuid4().hex
    _own.append(reply)
    return Announced(processes=push.tell(_ANNOUNCED, f"{kind} {key} {reply}"), reply=reply)


def _hear(kind: str, told: str) -> None:
    if kind != _ANNOUNCED:
        return
    name, key, reply = told.split(" ")
    handler = _handlers.get(name)
    if handler is None or reply in _own:
        _say_ready(reply)
    else:
        handler(key, lambda: _say_ready(reply))


push.subscribe(_hear)


def _say_ready(reply: str) -> None:
    # Patiently, since somebody waits for it, and so beside the listener, which others wait for.
    threading.Thread(target=_tell_ready, args=(reply,), name="tiergate-ready", daemon=True).start()


def _tell_ready(reply: str) -> None:
    name = _name(reply)
    try:
        with _patient_client() as client, client.pipeline(transaction=False) as several:
            several.rpush(name, "ready")
            several.expire(name, _KEPT_SECONDS)
            several.execute()
    except (RedisError, OSError) as error:
        _log.warning("readiness_not_told", error=str(error))


def _has_come(client: Redis, reply: str, until: float) -> bool:
    while (left := until - time.monotonic()) > 0:
        if client.blpop([_name(reply)], timeout=min(left, _LOOK_SECONDS)) is not None:
            return True
    return False


def _patient_client() -> Redis:
    return Redis.from_url(
        settings.REDIS_URL,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=2 * _LOOK_SECONDS,
        socket_connect_timeout=_LOOK_SECONDS,
    )


def _name(reply: str) -> str:
    return f"{settings.VALKEY_PREFIX}:ready:{reply}"
