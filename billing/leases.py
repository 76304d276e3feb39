"""Who reads a customer's state just now. A row, not a lock: nothing is held in the database while Stripe is asked.

The fence is what keeps an older read from being stored over a newer one: each lease has the next number, and only the
newest number stores. That a lease ends by the clock is for workers that die; it decides who works, never what is true.
An instant that is further off than any that is written here was written by a clock that was wrong, and counts as over.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Q

LEASE: Final = timedelta(seconds=60)
"""A worker that dies while it reads holds a customer up for so long."""
FIRST_PAUSE: Final = timedelta(seconds=2)
LONGEST_PAUSE: Final = timedelta(hours=1)
CALLED_AFTER: Final = 8
"""So many failures in a row, some ten minutes, and a person is called; it is tried for ever."""

_TAKE: Final = (
    "UPDATE billing_customer SET lease_owner = %(owner)s, lease_until = %(until)s, fence = fence + 1 "
    "FROM (SELECT id AS due FROM billing_customer WHERE (lease_until IS NULL OR lease_until NOT BETWEEN %(at)s AND %(far)s) AND {which} "
    "ORDER BY dirty_at LIMIT 1 FOR UPDATE SKIP LOCKED) AS found WHERE billing_customer.id = found.due "
    "RETURNING billing_customer.id, tenant_id, stripe_id, lease_owner, fence"
)
_NEXT: Final = _TAKE.format(
    which="dirty_at IS NOT NULL AND (next_try_at IS NULL OR next_try_at NOT BETWEEN %(at)s AND %(late)s)"
)
_ONE: Final = _TAKE.format(which="tenant_id = %(tenant)s")
_LOOK: Final = (
    "UPDATE billing_customer SET lease_until = %s WHERE id = %s AND fence = %s RETURNING dirty_seq, "
    # The fence says which read is the newer one; that clock only follows it, be it put back.
    "GREATEST(clock_timestamp(), fetched_at + interval '1 microsecond')"
)
# Done with, unless it was marked meanwhile: then the lease stays, and its holder reads again; or another one does,
# after those who have not been read at all.
_STORE: Final = (
    "UPDATE billing_customer SET done_seq = %(seen)s, fetched_at = %(read_at)s, attempts = 0, next_try_at = NULL, "
    "last_error = %(problem)s, dead_at = CASE WHEN %(problem)s = '' THEN NULL ELSE COALESCE(dead_at, %(at)s) END, "
    "dirty_at = CASE WHEN dirty_seq > %(seen)s THEN %(at)s END, "
    "lease_owner = CASE WHEN dirty_seq > %(seen)s THEN lease_owner ELSE '' END, "
    "lease_until = CASE WHEN dirty_seq > %(seen)s THEN lease_until END "
    "WHERE id = %(id)s AND fence = %(fence)s AND (fetched_at IS NULL OR fetched_at < %(read_at)s) "
    "RETURNING dirty_seq > %(seen)s"
)
_CALL: Final = (
    "UPDATE billing_customer SET last_error = %(problem)s, dead_at = COALESCE(dead_at, %(at)s) "
    "WHERE id = %(id)s AND fence = %(fence)s RETURNING id"
)
_FAIL: Final = (
    "UPDATE billing_customer SET attempts = attempts + 1, last_error = %(error)s, lease_owner = '', lease_until = NULL, "
    "next_try_at = %(at)s + LEAST(%(first)s * (2 ^ LEAST(attempts, 20)), %(longest)s), "
    "dead_at = CASE WHEN attempts + 1 >= %(called)s THEN COALESCE(dead_at, %(at)s) ELSE dead_at END "
    "WHERE id = %(id)s AND fence = %(fence)s RETURNING attempts"
)
_RELEASE: Final = (
    "UPDATE billing_customer SET lease_owner = '', lease_until = NULL WHERE id = %s AND fence = %s AND lease_owner = %s"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to read one customer's state and to store it, until somebody else has a newer one."""

    customer_id: UUID
    tenant_id: UUID
    stripe_id: str
    owner: str
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was so just before a read. seen: the counter of marks. read_at: the database's clock, later than the last."""

    seen: int
    read_at: datetime


def take_next(*, owner: str, at: datetime) -> Lease | None:
    """Take the customer that has waited longest; None where none waits that nobody reads."""
    return _taken(_NEXT, owner=owner, at=at)


def take(*, tenant_id: UUID, owner: str, at: datetime) -> Lease | None:
    """Take one tenant's customer, marked or not; None where somebody reads it, or there is none."""
    return _taken(_ONE, owner=owner, at=at, tenant=tenant_id)


def look(lease: Lease, *, at: datetime) -> Look | None:
    """Note what is so before a read, and hold on to the lease; None where it is somebody else's."""
    row = _row(_LOOK, [at + LEASE, lease.customer_id, lease.fence])
    return None if row is None else Look(seen=int(row[0]), read_at=row[1])


def store(lease: Lease, seen: Look, *, problem: str, at: datetime) -> bool | None:
    """Note within a transaction that what was read is stored; the first thing in it, since it locks the customer.

    Returns whether it was marked meanwhile and is to be read again; None where nothing may be stored: somebody has a
    newer lease, or what is stored was read later.
    """
    row = _row(
        _STORE,
        {
            "seen": seen.seen,
            "read_at": seen.read_at,
            "problem": problem,
            "at": at,
            "id": lease.customer_id,
            "fence": lease.fence,
        },
    )
    return None if row is None else bool(row[0])


def call_for(lease: Lease, *, problem: str, at: datetime) -> None:
    """Have somebody look at what was found while it was settled, in the transaction that has stored it."""
    _row(_CALL, {"problem": problem, "at": at, "id": lease.customer_id, "fence": lease.fence})


def fail(lease: Lease, *, error: str, at: datetime) -> int | None:
    """Give the customer back to be read later, and return how often that failed in a row; None where it is not ours."""
    row = _row(
        _FAIL,
        {
            "error": error[:500],
            "at": at,
            "first": FIRST_PAUSE,
            "longest": LONGEST_PAUSE,
            "called": CALLED_AFTER,
            "id": lease.customer_id,
            "fence": lease.fence,
        },
    )
    return None if row is None else int(row[0])


def release(lease: Lease) -> None:
    """Give the customer back, whatever is left to do; nothing where it is somebody else's."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [lease.customer_id, lease.fence, lease.owner])


def is_over(column: str, *, at: datetime, longest: timedelta) -> Q:
    """Select rows whose instant is over, or was written by a clock that was wrong: further off than any that is written.

    longest: how far off one is that is written here.
    """
    return Q(**{f"{column}__lte": at}) | Q(**{f"{column}__gt": at + 2 * longest})


def _taken(sql: str, *, owner: str, at: datetime, **more: Any) -> Lease | None:
    far, late = at + 2 * LEASE, at + 2 * LONGEST_PAUSE
    row = _row(sql, {"owner": owner, "at": at, "until": at + LEASE, "far": far, "late": late, **more})
    if row is None:
        return None
    return Lease(customer_id=row[0], tenant_id=row[1], stripe_id=row[2], owner=row[3], fence=int(row[4]))


def _row(sql: str, parameters: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()
