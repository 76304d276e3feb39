"""Asking Valkey: each time one script, so one round trip and one instant; and not asking it while it does not answer.

Nothing that lowers a risk is believed for lying there alone: what is read back is vouched for by a key of the ring, under the
name that it was stored by.
"""

import os
import threading
import time
from collections.abc import Sequence
from functools import cache
from hashlib import sha1
from typing import Any, Final

import structlog
from django.conf import settings
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry

from isolation.api import SecretUnreadable, check_vouched, vouched

TIMEOUT_SECONDS: Final = 0.05
OPEN_SECONDS: Final = 0.1
"""For so long nobody in this process asks again, after one has waited in vain."""

_PURPOSE: Final = "risk"
_MAC_BYTES: Final = 32

_log = structlog.get_logger(__name__)


class ValkeyAway(Exception):
    """Valkey does not answer, or did not a moment ago."""


class Script:
    """A Lua script, by its text. It reads and writes the keys that it is given, of one tenant, and no others."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = sha1(text.encode(), usedforsecurity=False).hexdigest()

    def run(self, keys: Sequence[str], values: Sequence[str | bytes | int | float]) -> Any:
        """Run it.

        :raises ValkeyAway: nobody answers, or not within the bound.
        """
        if _breaker.is_open():
            raise ValkeyAway("Valkey did not answer a moment ago.")
        client: Any = _client(os.getpid())
        try:
            try:
                return client.execute_command("EVALSHA", self.digest, len(keys), *keys, *values)
            except NoScriptError:
                return client.execute_command("EVAL", self.text, len(keys), *keys, *values)
        except (RedisError, OSError) as error:
            _breaker.trip(error)
            raise ValkeyAway(str(error)) from error


class _Breaker:
    """Whether Valkey is worth asking, in one process."""

    def __init__(self) -> None:
        self._until = float("-inf")
        self._lock = threading.Lock()

    def is_open(self) -> bool:
        return time.monotonic() < self._until

    def trip(self, error: Exception) -> None:
        with self._lock:
            was_open, self._until = self.is_open(), time.monotonic() + OPEN_SECONDS
        if not was_open:
            _log.warning("risk_valkey_away", error=str(error))


_breaker = _Breaker()


def stamped(content: bytes, *, key: str) -> bytes:
    """Put before a content who vouches for it; ``key``: where it will lie."""
    return vouched(key.encode() + b"\x00" + content, purpose=_PURPOSE) + content


def unstamped(found: bytes, *, key: str) -> bytes | None:
    """Read what `stamped` wrote under this key; None for what nobody of this installation did, or by a key that is gone."""
    end = 1 + found[0] + _MAC_BYTES if found else 0
    content = found[end:]
    try:
        is_ours = check_vouched(key.encode() + b"\x00" + content, found[:end], purpose=_PURPOSE)
    except SecretUnreadable:
        return None
    return content if is_ours else None


def forget_connection() -> None:
    """Connect anew at the next use, as where the settings name another server."""
    _client.cache_clear()
    _breaker.__init__()  # type: ignore[misc]  # closed, as in a new process


@cache
def _client(_pid: int) -> "Redis":
    return Redis.from_url(
        settings.REDIS_URL,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
    )
