"""Find out who wants what has happened: a delivery for each event and each endpoint that wants it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from licensing.models.outbox import OutboxEvent
from licensing.models.webhooks import WebhookDelivery, WebhookEndpoint

BATCH: Final = 200
KEPT: Final = timedelta(days=30)
_FORGOTTEN_AT_ONCE: Final = 5_000
_SWEEP: Final = "sweep"


def hand_out(*, at: datetime, limit: int = BATCH) -> int:
    """Make the deliveries of events that nobody looked at yet, and return how many events those were."""
    with transaction.atomic(using=_SWEEP):
        waiting = OutboxEvent.objects.using(_SWEEP).filter(handed_out_at=None).order_by("at", "id")
        events = list(waiting.select_for_update(skip_locked=True)[:limit])
        if not events:
            return 0
        make_deliveries(events, WebhookEndpoint.objects.using(_SWEEP).filter(disabled_at=None), at=at)
        OutboxEvent.objects.using(_SWEEP).filter(id__in=[one.id for one in events]).update(handed_out_at=at)
    return len(events)


def make_deliveries(events: Iterable[OutboxEvent], endpoints: Iterable[WebhookEndpoint], *, at: datetime) -> int:
    """Make a delivery for each event and endpoint that wants it and has none yet; return how many were wanted."""
    wanted = list(endpoints)
    rows = [
        WebhookDelivery(tenant_id=event.tenant_id, event=event, endpoint=endpoint, next_try_at=at, created_at=at)
        for event in events
        for endpoint in wanted
        if event.kind in endpoint.kinds and endpoint.only_tenant_id in {None, event.tenant_id}
    ]
    WebhookDelivery.objects.using(_SWEEP).bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def forget_events(*, at: datetime) -> int:
    """Delete events of a month ago with what was sent of them, and return how many events."""
    over = OutboxEvent.objects.using(_SWEEP).filter(at__lt=at - KEPT, handed_out_at__isnull=False)
    count = 0
    while ids := list(over.values_list("id", flat=True)[:_FORGOTTEN_AT_ONCE]):
        WebhookDelivery.objects.using(_SWEEP).filter(event_id__in=ids).delete()
        count += OutboxEvent.objects.using(_SWEEP).filter(id__in=ids).delete()[0]
    return count
