"""What a person must look at: accounts that could not be read or settled, events of nobody, calls that were given up."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final
from uuid import UUID

from billing import dirty
from billing.calls import replay_call
from billing.models import Call, Customer, Event

SWEEP: Final = "sweep"
MOST: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One thing that a person must look at.

    kind: ``customer``, ``event`` or ``call``. ref: its id, by which it is replayed.
    since: when it was given up. about: the tenant's id, or "".
    """

    kind: str
    ref: str
    since: datetime
    about: str
    problem: str
    attempts: int


def list_dead_letters(*, limit: int = MOST) -> list[DeadLetter]:
    """List what waits for a person in any tenant, the oldest first. By the sweep's role."""
    found = [
        *(
            DeadLetter(
                kind="customer",
                ref=row.stripe_id,
                since=row.dead_at or row.created_at,
                about=str(row.tenant_id),
                problem=row.last_error,
                attempts=row.attempts,
            )
            for row in Customer.objects.using(SWEEP).filter(dead_at__isnull=False).order_by("dead_at")[:limit]
        ),
        *(
            DeadLetter(
                kind="event",
                ref=event.id,
                since=event.dead_at or event.received_at,
                about=event.object_id,
                problem=event.last_error,
                attempts=event.attempts,
            )
            for event in Event.objects.using(SWEEP).filter(dead_at__isnull=False).defer("payload")[:limit]
        ),
        *(
            DeadLetter(
                kind="call",
                ref=str(call.id),
                since=call.dead_at or call.created_at,
                about=str(call.tenant_id),
                problem=f"{call.operation}: {call.last_error}",
                attempts=call.attempts,
            )
            for call in Call.objects.using(SWEEP).filter(dead_at__isnull=False)[:limit]
        ),
    ]
    return list(islice(sorted(found, key=lambda one: one.since), limit))


def replay(*, ref: str, at: datetime) -> bool:
    """Have one of them tried again now, and return whether there is such a one. It is dead no longer until it fails anew."""
    if ref.startswith("evt_"):
        dead = Event.objects.using(SWEEP).filter(id=ref, dead_at__isnull=False)
        return bool(dead.update(dead_at=None, next_try_at=None, attempts=0))
    if ref.startswith("cus_"):
        is_dead = Customer.objects.using(SWEEP).filter(stripe_id=ref, dead_at__isnull=False).exists()
        return is_dead and mark_again({ref}, at=at) > 0
    try:
        return replay_call(call_id=UUID(ref), at=at)
    except ValueError:
        return False


def mark_again(customers: Collection[str], *, at: datetime) -> int:
    """Have customers be read again at once, by Stripe's ids, and return how many are ours."""
    Customer.objects.using(SWEEP).filter(stripe_id__in=customers).update(attempts=0)
    return dirty.mark(customers, at=at, is_urgent=True, using=SWEEP)
