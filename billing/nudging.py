"""Telling a worker that there is work now. Whoever is not told finds out within a second."""

from typing import Any, Final

import kombu
import structlog
from django.conf import settings
from django.db import transaction

_TIMEOUT_SECONDS: Final = 0.2
_EXPIRES_SECONDS: Final = 5

_log = structlog.get_logger(__name__)


def nudge(*, using: str) -> None:
    """Send for a worker once the transaction around this call has committed. It never fails, and never waits long."""
    transaction.on_commit(_send, using=using, robust=True)


def _send() -> None:
    from billing.tasks import work_off  # noqa: PLC0415 - tasks work off what comes in here

    options = {
        **settings.CELERY_BROKER_TRANSPORT_OPTIONS,
        "socket_timeout": _TIMEOUT_SECONDS,
        "socket_connect_timeout": _TIMEOUT_SECONDS,
    }
    _connection: Any = kombu.Connection  # type: ignore[attr-defined]  # kombu exports lazily
    try:
        with _connection(settings.CELERY_BROKER_URL, transport_options=options) as broker:
            work_off.apply_async(connection=broker, retry=False, expires=_EXPIRES_SECONDS)
    except Exception as error:  # noqa: BLE001 - a webhook is stored, whatever the broker does
        _log.warning("worker_not_nudged", error=type(error).__name__)
