"""Tell every process at once that something changed, so that it drops what it remembers.

A message lost is never an answer wrong: whoever remembers also asks the database, each second while the
listener is alive and every time while it is not.
"""

import os
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Final

import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, transaction
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.retry import Retry

type Handler = Callable[[str, str], None]

RESET: Final = "reset"
"""The kind that handlers get when messages may have been missed: forget everything."""

HEARTBEAT_SECONDS: Final = 1.0
SILENCE_SECONDS: Final = 3.0
_WAIT_SECONDS: Final = 0.5
_TIMEOUT_SECONDS: Final = 0.05

_log = structlog.get_logger(__name__)
_handlers: list[Handler] = []


def subscribe(handler: Handler) -> None:
    """Call ``handler(kind, key)`` for every change from now on, from whatever process or thread it comes.

    Kinds are ``tenant``, ``catalog``, ``credential``, ``session`` (a handle), ``person``, ``risk`` and ``reset``: on the
    last, forget everything.
    It is called from the listener's thread as well as from the thread that makes a change.
    """
    if handler not in _handlers:
        _handlers.append(handler)


def publish(kind: str, key: str, *, using: str = DEFAULT_DB_ALIAS) -> None:
    """Tell this process and all others of a change, once the transaction around this call has committed.

    It never fails: whoever misses it asks the database within a second.
    """
    transaction.on_commit(lambda: _tell(kind, key), using=using, robust=True)


def is_listening() -> bool:
    """Say whether this process would hear of a change now; begin to listen if it has not yet.

    A process is deaf until its first subscription is confirmed, and again once nothing, not even the answer to
    its own heartbeat, has been heard for three seconds.
    """
    return _listener().is_alive_and_hearing()


def _tell(kind: str, key: str) -> None:
    _dispatch(kind, key)
    tell(kind, key)


def tell(kind: str, key: str) -> int:
    """Tell whoever listens now, this process only if it does, and say how many do; nobody where that fails."""
    try:
        return int(client(os.getpid()).publish(_channel(), f"{kind} {key}"))
    except (RedisError, OSError) as error:
        _log.warning("change_not_pushed", kind=kind, error=str(error))
        return 0


def _dispatch(kind: str, key: str) -> None:
    for handler in _handlers:
        try:
            handler(kind, key)
        except Exception:  # noqa: BLE001 - the others, and the listener, must live on
            _log.exception("change_handler_failed", kind=kind, handler=repr(handler))


def _channel() -> str:
    return f"{settings.VALKEY_PREFIX}:changed"


@cache
def client(_pid: int) -> Redis:
    """Give a process its client, which gives up soon."""
    # Without these the client waits seconds for a server that is down (its default retries with back-off).
    return Redis.from_url(
        settings.REDIS_URL,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=_TIMEOUT_SECONDS,
        socket_connect_timeout=_TIMEOUT_SECONDS,
    )


class Listener:
    """One daemon thread that hears of changes, in one process."""

    def __init__(self) -> None:
        self._heard_at = float("-inf")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tiergate-changes", daemon=True)
        self._thread.start()

    def is_alive_and_hearing(self) -> bool:
        """Say whether something was heard of late."""
        return time.monotonic() - self._heard_at < SILENCE_SECONDS

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stopped.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with Redis.from_url(
                    settings.REDIS_URL,
                    retry=Retry(NoBackoff(), 0),
                    socket_timeout=_TIMEOUT_SECONDS,
                    socket_connect_timeout=_TIMEOUT_SECONDS,
                    decode_responses=True,
                ) as client:
                    self._listen(client.pubsub())
            except Exception as error:  # noqa: BLE001 - whatever it was, a deaf process would never hear again
                _log.warning("listener_interrupted", error=str(error))
            self._heard_at = float("-inf")
            self._stopped.wait(HEARTBEAT_SECONDS / 4)

    def _listen(self, pubsub: PubSub) -> None:
        pubsub.subscribe(_channel())
        asked_at = began_at = time.monotonic()
        while not self._stopped.is_set():
            message = pubsub.get_message(timeout=_WAIT_SECONDS)
            now = time.monotonic()
            if message is not None:
                self._hear(message)
                self._heard_at = now
            if now - max(self._heard_at, began_at) > SILENCE_SECONDS:
                raise TimeoutError("the server has fallen silent")
            if now - asked_at > HEARTBEAT_SECONDS:
                pubsub.ping()
                asked_at = now
        pubsub.close()

    def _hear(self, message: dict[str, str]) -> None:
        match message["type"]:
            case "subscribe":
                # Whatever was said before this moment was not heard.
                _dispatch(RESET, "")
            case "message":
                kind, _, key = message["data"].partition(" ")
                _dispatch(kind, key)


_guard = threading.Lock()
_current: Listener | None = None
_is_forked = False


def _listener() -> Listener:
    global _current, _is_forked  # noqa: PLW0603 - one listener a process, and none inherited over a fork
    if _current is None:
        with _guard:
            if _is_forked:
                # What the parent remembered, it would have gone on to hear about.
                _dispatch(RESET, "")
                _is_forked = False
            if _current is None:
                _current = Listener()
    return _current


def stop_listening() -> None:
    """End this process's listener, as before a fork or at the end of a test."""
    global _current  # noqa: PLW0603 - as above
    with _guard:
        if _current is not None:
            _current.stop()
        _current = None


def _begin_anew() -> None:
    """Leave to the parent what is the parent's: its thread, and a lock that may have been held."""
    global _guard, _current, _is_forked  # noqa: PLW0603 - as above
    _guard = threading.Lock()
    _is_forked = _is_forked or _current is not None
    _current = None


os.register_at_fork(after_in_child=_begin_anew)
