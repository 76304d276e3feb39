"""Finding out whose a thin event is: it names its object, and not always its customer."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog
from django.db import transaction
from django.db.models import F, Q

from billing import dirty
from billing.errors import StripeRefused, StripeUnavailable
from billing.leases import is_over
from billing.models import Event
from billing.syncing import Clock

SWEEP: Final = "sweep"
LEASE: Final = timedelta(seconds=60)
BATCH: Final = 20
FIRST_PAUSE: Final = timedelta(seconds=2)
LONGEST_PAUSE: Final = timedelta(hours=1)
CALLED_AFTER: Final = 8

_log = structlog.get_logger(__name__)


class Owners(Protocol):
    """What is asked of Stripe."""

    def customer_of(self, object_id: str) -> str:
        """Find whose an object is; "" for nobody's."""


def resolve_events(*, gateway: Owners, clock: Clock) -> int:
    """Mark the customers of thin events whose objects' owners were not known, and return how many were found out."""
    return sum(_resolve(one, gateway=gateway, at=clock()) for one in _due(clock()))


def _due(at: datetime) -> Iterator[Event]:
    """Take events for this worker alone: until their next try, nobody else does."""
    awaited = Q(next_try_at__isnull=True) | is_over("next_try_at", at=at, longest=LONGEST_PAUSE)
    due = Event.objects.using(SWEEP).filter(awaited, resolved_at=None)
    with transaction.atomic(using=SWEEP):
        ids = [row.id for row in due.select_for_update(skip_locked=True).order_by("received_at").only("id")[:BATCH]]
        Event.objects.using(SWEEP).filter(id__in=ids).update(next_try_at=at + LEASE, attempts=F("attempts") + 1)
    return iter(Event.objects.using(SWEEP).filter(id__in=ids).defer("payload").order_by("received_at"))


def _resolve(event: Event, *, gateway: Owners, at: datetime) -> bool:
    row = Event.objects.using(SWEEP).filter(id=event.id, resolved_at=None)
    try:
        customer = gateway.customer_of(event.object_id)
    except (StripeUnavailable, StripeRefused) as error:
        _fail(event, error.code, error.detail, at=at)
        return False
    except Exception as error:  # noqa: BLE001 - one odd event holds up no other's
        _log.exception("event_broke", stripe_event=event.id)
        _fail(event, "broke", type(error).__name__, at=at)
        return False
    with transaction.atomic(using=SWEEP):
        done = row.update(customer=customer, resolved_at=at, next_try_at=None, last_error="", dead_at=None)
        if done and customer:
            dirty.mark([customer], at=at, using=SWEEP)
    return bool(done)


def _fail(event: Event, code: str, said: str, *, at: datetime) -> None:
    pause = min(FIRST_PAUSE * 2 ** min(event.attempts - 1, 20), LONGEST_PAUSE)
    is_called = event.attempts >= CALLED_AFTER
    Event.objects.using(SWEEP).filter(id=event.id, resolved_at=None).update(
        next_try_at=at + pause, last_error=said, dead_at=at if is_called else None
    )
    _log.warning("event_not_resolved", stripe_event=event.id, attempts=event.attempts, error=code)
