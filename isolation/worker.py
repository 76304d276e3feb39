"""Sending for a worker now, by the broker, for what it would find out by itself a little later."""

from typing import Any, Final

import kombu
from django.conf import settings
from django.utils.module_loading import import_string

_TIMEOUT_SECONDS: Final = 0.2
EXPIRES_SECONDS: Final = 5
"""For so long a worker may begin what it was sent for; later the schedule has come round."""


def send_for_worker(task: str) -> None:
    """Send for a worker to do a task; no longer than a moment is waited for the broker.

    task: its name, as the schedule has it.

    :raises Exception: whatever the broker's client raises; nobody was sent for then.
    """
    options = {
        **settings.CELERY_BROKER_TRANSPORT_OPTIONS,
        "socket_timeout": _TIMEOUT_SECONDS,
        "socket_connect_timeout": _TIMEOUT_SECONDS,
        # Unsaid, kombu tries to connect again and again for some six seconds.
        "max_retries": 0,
    }
    connection: Any = kombu.Connection  # type: ignore[attr-defined]  # kombu exports lazily
    with connection(settings.CELERY_BROKER_URL, transport_options=options) as broker:
        # By the task itself, which names the request that it was sent from.
        import_string(task).apply_async(connection=broker, retry=False, expires=EXPIRES_SECONDS)
