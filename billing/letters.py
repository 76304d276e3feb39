"""What a person must look at: accounts that could not be read or settled, events of nobody, calls that were given up."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

import audit.api
from billing import dirty
from billing.calls import is_given_up, replay_call
from billing.errors import InvalidEvent
from billing.models import Call, Customer, Event
from isolation.api import tenant_transaction
from licensing import api as licensing

SWEEP: Final = "sweep"
MOST: Final = 500

type _After = tuple[datetime, str] | None


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


def list_dead_letters(
    *, kind: str = "", after: tuple[datetime, str] | None = None, limit: int = MOST
) -> list[DeadLetter]:
    """List what waits for a person in any tenant, the oldest first. By the sweep's role.

    kind: these alone. after: since and ref of the last letter of the page before.
    :raises InvalidEvent: no such kind.
    """
    if kind and kind not in _KINDS:
        raise InvalidEvent(f"A dead letter is one of {', '.join(_KINDS)}.")
    found = [one for name, letters in _KINDS.items() if kind in {"", name} for one in letters(after, limit)]
    return list(islice(sorted(found, key=_place), limit))


def replay(*, ref: str, by: str, at: datetime) -> bool:
    """Have one of them tried again now, and return whether there is such a one. It is dead no longer until it fails anew.

    The vendor's trail tells by whom.
    """
    # A NUL is in no id, and no query can hold one.
    if "\x00" in ref or not _is_dead(ref):
        return False
    with tenant_transaction(licensing.VENDOR_TENANT_ID):
        payload = {"by": by, "ref": ref}
        audit.api.append(
            tenant_id=licensing.VENDOR_TENANT_ID, kind=audit.api.Kind.BILLING_REPLAYED, at=at, payload=payload
        )
        return _revive(ref, at)


def mark_again(customers: Collection[str], *, at: datetime) -> int:
    """Have customers be read again at once, by Stripe's ids, and return how many are ours."""
    Customer.objects.using(SWEEP).filter(stripe_id__in=customers).update(attempts=0)
    return dirty.mark(customers, at=at, is_urgent=True, using=SWEEP)


def _is_dead(ref: str) -> bool:
    if ref.startswith("evt_"):
        return Event.objects.using(SWEEP).filter(id=ref, dead_at__isnull=False).exists()
    if ref.startswith("cus_"):
        return Customer.objects.using(SWEEP).filter(stripe_id=ref, dead_at__isnull=False).exists()
    call_id = _call_id(ref)
    return call_id is not None and is_given_up(call_id=call_id)


def _revive(ref: str, at: datetime) -> bool:
    if ref.startswith("evt_"):
        dead = Event.objects.using(SWEEP).filter(id=ref, dead_at__isnull=False)
        return bool(dead.update(dead_at=None, next_try_at=None, attempts=0))
    if ref.startswith("cus_"):
        return mark_again({ref}, at=at) > 0
    return replay_call(call_id=UUID(ref), at=at)


def _call_id(ref: str) -> UUID | None:
    try:
        return UUID(ref)
    except ValueError:
        return None


def _place(one: DeadLetter) -> tuple[datetime, str]:
    return one.since, one.ref


def _page(rows: QuerySet[Any], name: str, after: _After, limit: int) -> QuerySet[Any]:
    dead = rows.using(SWEEP).filter(dead_at__isnull=False)
    if after is not None:
        since, ref = after
        # A call's id is compared as it is written, as the three kinds are told apart by that alone.
        dead = dead.annotate(written=Cast(name, TextField()))
        dead = dead.filter(Q(dead_at__gt=since) | Q(dead_at=since, written__gt=ref))
    return dead.order_by("dead_at", name)[:limit]


def _customers(after: _After, limit: int) -> Iterator[DeadLetter]:
    for row in _page(Customer.objects.all(), "stripe_id", after, limit):
        yield _letter("customer", row.stripe_id, row, about=str(row.tenant_id), problem=row.last_error)


def _events(after: _After, limit: int) -> Iterator[DeadLetter]:
    for row in _page(Event.objects.defer("payload"), "id", after, limit):
        yield _letter("event", row.id, row, about=row.object_id, problem=row.last_error)


def _calls(after: _After, limit: int) -> Iterator[DeadLetter]:
    for row in _page(Call.objects.all(), "id", after, limit):
        problem = f"{row.operation}: {row.last_error}"
        yield _letter("call", str(row.id), row, about=str(row.tenant_id), problem=problem)


def _letter(kind: str, ref: str, row: Any, *, about: str, problem: str) -> DeadLetter:
    return DeadLetter(kind=kind, ref=ref, since=row.dead_at, about=about, problem=problem, attempts=row.attempts)


_KINDS: Final = {"customer": _customers, "event": _events, "call": _calls}
