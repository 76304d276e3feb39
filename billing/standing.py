"""How billing stands: how much waits, since when, and what was read last of whom."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Min, Q

from billing.models import Call, Customer, Event, Snapshot
from billing.state import State, state_of
from isolation.api import tenant_transaction

SWEEP: Final = "sweep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What is left to do.

    dirty: accounts that are to be read. dirty_since: the oldest mark of them. dead: what a person must look at.
    unread_since: when the account was read last that was not read for the longest time.
    """

    dirty: int
    dirty_since: datetime | None
    dead: int
    unread_since: datetime | None


def billing_backlog() -> Backlog:
    """Count what is left to do, over all tenants. By the sweep's role."""
    customers = Customer.objects.using(SWEEP)
    waiting = customers.filter(dirty_at__isnull=False)
    dead = (
        customers.filter(dead_at__isnull=False).count()
        + Event.objects.using(SWEEP).filter(dead_at__isnull=False).count()
        + Call.objects.using(SWEEP).filter(dead_at__isnull=False).count()
    )
    return Backlog(
        dirty=waiting.count(),
        dirty_since=waiting.aggregate(oldest=Min("dirty_at"))["oldest"],
        dead=dead,
        unread_since=customers.filter(~Q(fetched_at=None)).aggregate(oldest=Min("fetched_at"))["oldest"],
    )


def read_snapshot(*, tenant_id: UUID) -> tuple[State, datetime] | None:
    """Return what Stripe said last of a tenant's subscriptions, and as of when; None before it was asked."""
    with tenant_transaction(tenant_id):
        row = Snapshot.objects.filter(tenant_id=tenant_id).first()
        return None if row is None else (state_of(row.state), row.fetched_at)
