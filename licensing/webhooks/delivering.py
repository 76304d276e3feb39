"""Bring what waits to the endpoints: each at least once, by whichever worker comes first, in no promised order."""

import random
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from django.db import transaction
from django.db.models import F, Q

from isolation.api import SecretUnreadable
from licensing.models.webhooks import DeliveryState, Disabled, WebhookDelivery, WebhookEndpoint
from licensing.webhooks import signing
from licensing.webhooks.endpoints import disable_failing, secrets_of
from licensing.webhooks.sending import Sent, post

LEASE: Final = timedelta(minutes=2)
"""A worker that dies while it sends holds a delivery up for so long."""
FIRST_PAUSE: Final = timedelta(seconds=10)
LONGEST_PAUSE: Final = timedelta(hours=8)
JITTER: Final = 0.2
TRIES: Final = 17
"""Then it is given up, some three days after the first."""
PATIENCE: Final = timedelta(days=3)
"""An endpoint that took nothing at all for so long is disabled."""
AT_ONCE: Final = 8
A_TURN_EACH: Final = 4
"""One endpoint that answers slowly holds up no more than these of another's."""
_SWEEP: Final = "sweep"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    delivery: WebhookDelivery
    endpoint: WebhookEndpoint
    headers: dict[str, str]
    body: bytes

    def send(self) -> Sent:
        return post(self.endpoint.url, headers=self.headers, body=self.body)


def deliver_due(*, clock: Callable[[], datetime], until: datetime) -> int:
    """Send what is due, round by round, until nothing is or the time is up; return how many tries were made."""
    tries = 0
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhooks") as pool:
        while clock() < until:
            leased = _leased(clock())
            if not leased:
                break
            running: dict[Future[Sent], _Message] = {}
            for delivery in leased:
                message = _message(delivery, at=clock())
                if message is not None:
                    running[pool.submit(message.send)] = message
            # Threads speak HTTP alone; the database is this one's.
            for done in as_completed(running):
                _note(running[done], done.result(), at=clock())
            tries += len(leased)
    return tries


def pause_after(attempts: int) -> timedelta:
    """Say how long to wait after so many tries: three times as long each time, and never quite the same for all."""
    pause: timedelta = min(FIRST_PAUSE * 3 ** min(attempts - 1, 20), LONGEST_PAUSE)
    return pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, guards nothing


def body_of(delivery: WebhookDelivery) -> bytes:
    """Write the message, which is the same at each try: ``type``, ``timestamp`` and ``data``."""
    event = delivery.event
    return signing.encoded(
        {
            "type": str(event.kind),
            "timestamp": event.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "data": {
                "tenant": {"id": str(event.tenant_id), "slug": event.tenant.slug},
                "snapshot": event.snapshot,
                **event.payload,
            },
        }
    )


def _leased(at: datetime) -> list[WebhookDelivery]:
    """Take some deliveries of each endpoint for this worker alone, counting the try before it is made."""
    free = Q(leased_until=None) | Q(leased_until__lt=at)
    due = WebhookDelivery.objects.using(_SWEEP).filter(
        free, state=DeliveryState.WAITING, next_try_at__lte=at, endpoint__disabled_at=None
    )
    lease, ids = uuid4(), list[UUID]()
    with transaction.atomic(using=_SWEEP):
        for endpoint_id in due.order_by().values_list("endpoint_id", flat=True).distinct():
            mine = due.filter(endpoint_id=endpoint_id).order_by("next_try_at", "id")
            ids += [one.id for one in mine.select_for_update(skip_locked=True, of=("self",))[:A_TURN_EACH]]
        taken = WebhookDelivery.objects.using(_SWEEP).filter(id__in=ids)
        taken.update(lease=lease, leased_until=at + LEASE, attempts=F("attempts") + 1, last_tried_at=at)
    found = WebhookDelivery.objects.using(_SWEEP).filter(lease=lease)
    return list(found.select_related("endpoint", "event__tenant").order_by("next_try_at", "id"))


def _message(delivery: WebhookDelivery, *, at: datetime) -> _Message | None:
    body = body_of(delivery)
    try:
        secrets = secrets_of(delivery.endpoint, at=at)
    except SecretUnreadable:
        # Nothing is sent unsigned. The key may come back to the ring, so it waits like any other failure.
        _end(delivery, Sent(status=None, error="secret_unreadable", milliseconds=0), at=at)
        return None
    headers = signing.signed_headers(message=signing.message_id(delivery.event_id), body=body, secrets=secrets, at=at)
    return _Message(delivery=delivery, endpoint=delivery.endpoint, headers=headers, body=body)


def _note(message: _Message, sent: Sent, *, at: datetime) -> None:
    _end(message.delivery, sent, at=at)
    endpoint = WebhookEndpoint.objects.using(_SWEEP).filter(id=message.endpoint.id)
    if sent.is_delivered:
        endpoint.filter(failing_since__isnull=False).update(failing_since=None)
        return
    endpoint.filter(failing_since=None).update(failing_since=at)
    _log.warning(
        "webhook_not_delivered",
        endpoint=str(message.endpoint.id),
        attempts=message.delivery.attempts,
        status=sent.status,
        error=sent.error,
    )
    if sent.is_gone:
        disable_failing(endpoint_id=message.endpoint.id, because=Disabled.GONE, at=at)
    elif endpoint.filter(failing_since__lte=at - PATIENCE).exists():
        disable_failing(endpoint_id=message.endpoint.id, because=Disabled.FAILING, at=at)


def _end(delivery: WebhookDelivery, sent: Sent, *, at: datetime) -> None:
    """Note how a try ended, where it is still this worker's."""
    told: dict[str, Any] = {
        "lease": None,
        "leased_until": None,
        "last_status": sent.status,
        "last_error": sent.error,
        "milliseconds": sent.milliseconds,
    }
    if sent.is_delivered:
        told |= {"state": DeliveryState.DELIVERED, "ended_at": at}
    elif delivery.attempts >= TRIES:
        told |= {"state": DeliveryState.GIVEN_UP, "ended_at": at}
    else:
        told |= {"next_try_at": at + pause_after(delivery.attempts)}
    WebhookDelivery.objects.using(_SWEEP).filter(id=delivery.id, lease=delivery.lease).update(**told)
