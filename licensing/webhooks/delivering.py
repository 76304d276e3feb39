"""Bring what waits to the endpoints: each at least once, by whichever worker comes first, in no promised order."""

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from django.db import connections, transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from isolation.api import SecretUnreadable
from licensing.models.webhooks import DeliveryState, Disabled, WebhookDelivery, WebhookEndpoint
from licensing.webhooks import signing
from licensing.webhooks.endpoints import disable_failing, secrets_of
from licensing.webhooks.handing_out import hand_out
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
"""So many of one endpoint's are under way at once: what answers slowly leaves room for the others."""
_FAILING: Final = AT_ONCE // 2
_LOOK_SECONDS: Final = 0.5
_LOCK: Final = 0x7469_7768  # any number of our own: the key of an advisory lock
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
    """Hand out what has happened and send what is due, until nothing is or the time is up; return how many tries were made.

    One worker does it at a time: whoever answers slowly holds up one, and the others go on with what else there is.
    """
    with _alone() as is_alone:
        return _delivered(clock, until) if is_alone else 0


def _delivered(clock: Callable[[], datetime], until: datetime) -> int:
    tries = 0
    running: dict[Future[Sent], _Message] = {}
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhooks") as pool:
        while (leased := _next(running.values(), at=clock(), until=until)) or running:
            tries += len(leased)
            for delivery in leased:
                message = _message(delivery, at=clock())
                if message is not None:
                    running[pool.submit(message.send)] = message
            # Threads speak HTTP alone; the database is this one's.
            for done in wait(running, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED).done:
                _note(running.pop(done), done.result(), at=clock())
    return tries


def pause_after(attempts: int) -> timedelta:
    """Say how long to wait after so many tries: three times as long each time, and never quite the same for all."""
    pause: timedelta = min(FIRST_PAUSE * 3 ** min(attempts - 1, 20), LONGEST_PAUSE)
    return pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, guards nothing


def pause_asked(attempts: int, seconds: int | None) -> timedelta:
    """Say how long to wait where an endpoint asks to be left alone: no shorter than that, and never beyond the longest pause."""
    pause = pause_after(attempts)
    return pause if seconds is None else max(pause, min(timedelta(seconds=seconds), LONGEST_PAUSE))


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


@contextmanager
def _alone() -> Iterator[bool]:
    """Say whether no other worker sends; until the block ends, none does."""
    with connections[_SWEEP].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        (is_alone,) = cursor.fetchone()
    try:
        yield is_alone
    finally:
        if is_alone:
            with connections[_SWEEP].cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _next(running: Collection[_Message], *, at: datetime, until: datetime) -> list[WebhookDelivery]:
    if at >= until or len(running) >= AT_ONCE:
        return []
    hand_out(at=at)
    return _leased(at, running=Counter(one.endpoint.id for one in running))


def _leased(at: datetime, *, running: Mapping[UUID, int] = MappingProxyType({})) -> list[WebhookDelivery]:
    """Take as many deliveries for this worker alone as it can begin with now, counting the try before it is made.

    running: how many of each endpoint are under way.
    """
    is_free = Q(leased_until=None) | Q(leased_until__lt=at)
    due = (
        WebhookDelivery.objects.using(_SWEEP)
        .filter(is_free, state=DeliveryState.WAITING, next_try_at__lte=at)
        .order_by("next_try_at", "id")
    )
    lease, ids = uuid4(), list[UUID]()
    with transaction.atomic(using=_SWEEP):
        for endpoint_id, turns in _turns(due, running).items():
            mine = due.filter(endpoint_id=endpoint_id)
            ids += [one.id for one in mine.select_for_update(skip_locked=True, of=("self",))[:turns]]
        taken = WebhookDelivery.objects.using(_SWEEP).filter(id__in=ids)
        taken.update(lease=lease, leased_until=at + LEASE, attempts=F("attempts") + 1, last_tried_at=at)
    found = WebhookDelivery.objects.using(_SWEEP).filter(lease=lease)
    return list(found.select_related("endpoint", "event__tenant").order_by("next_try_at", "id"))


def _turns(due: QuerySet[WebhookDelivery], running: Mapping[UUID, int]) -> Counter[UUID]:
    """Share out what is free: to whoever has the fewest under way, then to whoever waits longest.

    One that fails is tried by one message at a time, and all that fail have half of it at most.
    """
    first = due.filter(endpoint_id=OuterRef("id")).values("next_try_at")[:1]
    enabled = WebhookEndpoint.objects.using(_SWEEP).filter(disabled_at=None).annotate(since=Subquery(first))
    waiting = list(enabled.filter(since__isnull=False).values_list("id", "since", "failing_since"))
    turns = Counter(running)
    for _ in range(AT_ONCE - turns.total()):
        failing = sum(turns[endpoint_id] for endpoint_id, _since, failing_since in waiting if failing_since)
        free = [
            (turns[endpoint_id], since, endpoint_id)
            for endpoint_id, since, failing_since in waiting
            if (
                turns[endpoint_id] < A_TURN_EACH
                if failing_since is None
                else not turns[endpoint_id] and failing < _FAILING
            )
        ]
        if not free:
            break
        turns[min(free)[-1]] += 1
    return turns - Counter(running)


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
        told |= {"next_try_at": at + pause_asked(delivery.attempts, sent.retry_after)}
    WebhookDelivery.objects.using(_SWEEP).filter(id=delivery.id, lease=delivery.lease).update(**told)
