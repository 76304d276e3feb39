"""What came in, what waits and what failed, for the operator to look at. By the sweep's role; nothing is written here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from billing.errors import InvalidEvent
from billing.models import Call, Customer, Event

SWEEP: Final = "sweep"
EVENT_STATES: Final = ("done", "waiting", "dead")
CALL_STATES: Final = ("failed", "waiting", "done")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as it came.

    tenant_id: whose its account is; None for nobody's here. state: ``done`` once what it hinted at was read,
    ``waiting`` before that, ``dead`` where a person has to look at it. received_at: when it came.
    """

    id: str
    type: str
    kind: str
    source: str
    customer: str
    tenant_id: UUID | None
    created_at: datetime
    received_at: datetime
    state: str
    last_error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCustomer:
    """An account that is still to be read. since: of when the first thing is that was not read."""

    stripe_id: str
    tenant_id: UUID
    since: datetime
    attempts: int
    next_try_at: datetime | None
    is_dead: bool
    last_error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedCall:
    """A call that Stripe is owed, or got.

    state: ``done``, ``waiting`` for its first try, ``retried`` after a failure, or ``dead``.
    """

    id: UUID
    tenant_id: UUID
    operation: str
    created_at: datetime
    state: str
    attempts: int
    next_try_at: datetime | None
    last_error: str


def list_events(
    *, state: str = "", customer: str = "", event_type: str = "", after: str = "", limit: int = 100
) -> list[StoredEvent]:
    """List events, the newest first.

    state: one of `EVENT_STATES`. customer: an account's id. event_type: a type, or what it begins with.
    after: the id of the last event of the page before.
    :raises InvalidEvent: no such state, or no such event to go on from.
    """
    rows = Event.objects.using(SWEEP).defer("payload").annotate(is_unread=Exists(_unread()))
    waiting = Q(resolved_at__isnull=True) | Q(is_unread=True)
    match _one_of(state, EVENT_STATES):
        case "dead":
            rows = rows.filter(dead_at__isnull=False)
        case "waiting":
            rows = rows.filter(waiting, dead_at__isnull=True)
        case "done":
            rows = rows.filter(resolved_at__isnull=False, is_unread=False, dead_at__isnull=True)
    if customer:
        rows = rows.filter(customer=_plain(customer))
    if event_type:
        rows = rows.filter(type__startswith=_plain(event_type))
    if after:
        last = Event.objects.using(SWEEP).filter(id=_plain(after)).values("received_at", "id").first()
        rows = _beyond(rows, "received_at", last)
    page = list(rows.order_by("-received_at", "-id")[: max(0, limit)])
    named = {row.customer for row in page if row.customer}
    whose = dict(Customer.objects.using(SWEEP).filter(stripe_id__in=named).values_list("stripe_id", "tenant_id"))
    return [_event(row, whose.get(row.customer)) for row in page]


def list_waiting(*, after: str = "", limit: int = 100) -> list[WaitingCustomer]:
    """List accounts that are still to be read, the longest waiting first. after: the last account of the page before.

    :raises InvalidEvent: no such account to go on from.
    """
    rows = Customer.objects.using(SWEEP).filter(dirty_at__isnull=False)
    if after:
        last = Customer.objects.using(SWEEP).filter(stripe_id=_plain(after)).first()
        if last is None:
            raise InvalidEvent("after is the last one of the page before.")
        # One that was read meanwhile waits no longer, and tells no place any more: the list begins anew.
        if last.dirty_at is not None:
            rows = rows.filter(Q(dirty_at__gt=last.dirty_at) | Q(dirty_at=last.dirty_at, stripe_id__gt=last.stripe_id))
    return [
        WaitingCustomer(
            stripe_id=row.stripe_id,
            tenant_id=row.tenant_id,
            since=row.dirty_at or row.created_at,
            attempts=row.attempts,
            next_try_at=row.next_try_at,
            is_dead=row.dead_at is not None,
            last_error=row.last_error,
        )
        for row in rows.order_by("dirty_at", "stripe_id")[: max(0, limit)]
    ]


def list_calls(*, state: str = "failed", after: str = "", limit: int = 100) -> list[OwedCall]:
    """List calls that Stripe is owed, the newest first.

    state: one of `CALL_STATES`, of which ``failed`` are the dead and those that are tried again; "" for all.
    after: the id of the last call of the page before.
    :raises InvalidEvent: no such state, or no such call to go on from.
    """
    rows = Call.objects.using(SWEEP).defer("parameters", "answer")
    match _one_of(state, CALL_STATES):
        case "failed":
            rows = rows.exclude(last_error="").filter(done_at__isnull=True)
        case "waiting":
            rows = rows.filter(done_at__isnull=True, dead_at__isnull=True)
        case "done":
            rows = rows.filter(done_at__isnull=False)
    if after:
        known = _uuid(after)
        last = Call.objects.using(SWEEP).filter(id=known).values("created_at", "id").first() if known else None
        rows = _beyond(rows, "created_at", last)
    return [_call(row) for row in rows.order_by("-created_at", "-id")[: max(0, limit)]]


def _unread() -> QuerySet[Customer]:
    return Customer.objects.filter(stripe_id=OuterRef("customer"), dirty_at__lte=OuterRef("received_at"))


def _event(row: Any, tenant_id: UUID | None) -> StoredEvent:
    is_waiting = row.resolved_at is None or row.is_unread
    return StoredEvent(
        id=row.id,
        type=row.type,
        kind=str(row.kind),
        source=str(row.source),
        customer=row.customer,
        tenant_id=tenant_id,
        created_at=row.created_at,
        received_at=row.received_at,
        state="dead" if row.dead_at is not None else "waiting" if is_waiting else "done",
        last_error=row.last_error,
    )


def _call(row: Call) -> OwedCall:
    if row.done_at is not None:
        state = "done"
    elif row.dead_at is not None:
        state = "dead"
    else:
        state = "retried" if row.last_error else "waiting"
    return OwedCall(
        id=row.id,
        tenant_id=row.tenant_id,
        operation=row.operation,
        created_at=row.created_at,
        state=state,
        attempts=row.attempts,
        next_try_at=row.next_try_at if state in {"retried", "waiting"} else None,
        last_error=row.last_error,
    )


def _one_of(state: str, known: tuple[str, ...]) -> str:
    if state and state not in known:
        raise InvalidEvent(f"A state is one of {', '.join(known)}.")
    return state


def _beyond(rows: Any, column: str, last: Mapping[str, Any] | None) -> Any:
    if last is None:
        raise InvalidEvent("after is the last one of the page before.")
    same = Q(**{column: last[column], "id__lt": last["id"]})
    return rows.filter(Q(**{f"{column}__lt": last[column]}) | same)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _plain(text: str) -> str:
    # A NUL is in no id, and no query can hold one.
    return text.encode("utf-8", "replace").decode().replace("\x00", "")
