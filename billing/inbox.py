"""Where events come in: stored once each, their customers marked, and nothing else."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from billing import dirty
from billing.errors import BillingOff, InvalidEvent
from billing.events import StripeEvent, read_event
from billing.metrics import WEBHOOKS
from billing.models import Event
from billing.nudging import nudge
from billing.signatures import check_signature

MOST_BYTES: Final = 512 * 1024
KEPT: Final = timedelta(days=35)
SWEEP: Final = "sweep"

_INSERT: Final = (
    "INSERT INTO billing_event (id, kind, source, type, customer, object_id, livemode, created_at, received_at, "
    "resolved_at, attempts, last_error, payload) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0, '', %s::jsonb) ON CONFLICT (id) DO NOTHING RETURNING id"
)

_log = structlog.get_logger(__name__)


class Received(StrEnum):
    """What became of an event."""

    STORED = "stored"
    KNOWN = "known"
    OTHER_MODE = "other_mode"


def receive_webhook(raw: bytes, *, header: str, at: datetime) -> Received:
    """Store an event that Stripe signed, and mark its customer, in one transaction.

    raw: the body as it came, byte for byte. header: ``Stripe-Signature``.
    :raises BillingOff: there is no billing here. :raises SignatureRefused: :raises InvalidEvent:
    """
    if not settings.STRIPE.is_on:
        raise BillingOff("There is no billing here: STRIPE_API_KEY is not set.")
    if len(raw) > MOST_BYTES:
        raise InvalidEvent("The body is larger than any event.")
    check_signature(raw, header, secrets=settings.STRIPE.secrets, at=at)
    event = read_event(raw)
    if event.livemode != settings.STRIPE.is_live:
        # A sandbox's event at a live endpoint, or the other way round, is true and not about what is paid here.
        _log.warning("event_of_another_mode", stripe_event=event.id, type=event.type)
        WEBHOOKS.labels(Received.OTHER_MODE).inc()
        return Received.OTHER_MODE
    found = Received.STORED if store([event], source="webhook", at=at) else Received.KNOWN
    WEBHOOKS.labels(found).inc()
    return found


def store(events: Sequence[StripeEvent], *, source: str, at: datetime, using: str = DEFAULT_DB_ALIAS) -> int:
    """Store those events that are not stored yet and mark their customers, all or none; return how many were new."""
    with transaction.atomic(using=using, durable=True):
        new = [one for one in events if _insert(one, source=source, at=at, using=using)]
        marked = dirty.mark({one.customer for one in new if one.customer}, at=at, using=using) if new else 0
        if marked or any(one.is_open for one in new):
            nudge(using=using)
    return len(new)


def forget_events(*, at: datetime) -> int:
    """Delete events that came 35 days ago and are done with, and return how many."""
    old = Event.objects.using(SWEEP).filter(received_at__lt=at - KEPT, resolved_at__isnull=False)
    return old.delete()[0]


def _insert(event: StripeEvent, *, source: str, at: datetime, using: str) -> bool:
    row = [
        *(event.id, event.kind, source, event.type, event.customer, event.object_id, event.livemode),
        *(event.created_at, at, None if event.is_open else at, event.payload),
    ]
    with connections[using].cursor() as cursor:
        cursor.execute(_INSERT, row)
        return cursor.fetchone() is not None
