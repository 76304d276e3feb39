"""Telling a worker that there is work now. Whoever is not told finds out by the schedule."""

from time import monotonic
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction

from isolation.api import send_for_worker

_REST_SECONDS: Final = 0.5

_log = structlog.get_logger(__name__)
_sent_at: dict[str, float] = {}


def nudge(task: str) -> None:
    """Send for a worker once the transaction around this call has committed. It never fails, and never waits long.

    Not twice within half a second, and never from a process that only decides: what it could cost there is worth
    more than the seconds that the schedule takes.
    """
    if settings.PROCESS != "decide":
        transaction.on_commit(lambda: _send(task), robust=True)


def _send(task: str) -> None:
    if monotonic() - _sent_at.get(task, float("-inf")) < _REST_SECONDS:
        return
    _sent_at[task] = monotonic()
    try:
        send_for_worker(task)
    except Exception as error:  # noqa: BLE001 - the event is stored, whatever the broker does
        _log.warning("worker_not_nudged", task=task, error=type(error).__name__)
