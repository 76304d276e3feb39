"""Telling a worker that there is work now. Whoever is not told finds out within a second."""

import os
from functools import cache
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from isolation.api import EXPIRES_SECONDS, send_for_worker

_TIMEOUT_SECONDS: Final = 0.2
_WORK: Final = "billing.tasks.work_off"

_log = structlog.get_logger(__name__)


def nudge(*, using: str) -> None:
    """Send for a worker once the transaction around this call has committed. It never fails, and never waits long."""
    transaction.on_commit(_send, using=using, robust=True)


def begin() -> None:
    """Note that a worker begins to look: whatever is marked from now on, one is sent for again."""
    try:
        _client(os.getpid()).delete(_key())
    except Exception as error:  # noqa: BLE001 - it is looked at all the same
        _log.warning("nudge_not_taken", error=type(error).__name__)


def _send() -> None:
    try:
        # One that was sent for and has not begun yet will see this, too.
        if _client(os.getpid()).set(_key(), 1, nx=True, ex=EXPIRES_SECONDS):
            send_for_worker(_WORK)
    except Exception as error:  # noqa: BLE001 - a webhook is stored, whatever the broker does
        _log.warning("worker_not_nudged", error=type(error).__name__)


def _key() -> str:
    return f"{settings.VALKEY_PREFIX}:billing:nudged"


@cache
def _client(_pid: int) -> Redis:
    return Redis.from_url(
        settings.REDIS_URL,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=_TIMEOUT_SECONDS,
        socket_connect_timeout=_TIMEOUT_SECONDS,
    )
