"""Marking an account as changed: the one thing that an event, a cursor, a sweep or a person does to it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS, connections

# A number of its own for each mark: a mark made while somebody reads is seen when they store.
# Locked in one order, so that two who mark several do not wait for each other.
_MARK: Final = (
    "WITH mine AS (SELECT id FROM billing_customer WHERE stripe_id = ANY(%s) ORDER BY id FOR UPDATE) "
    "UPDATE billing_customer SET dirty_seq = dirty_seq + 1, dirty_at = COALESCE(dirty_at, %s), "
    "next_try_at = CASE WHEN %s THEN NULL ELSE next_try_at END FROM mine WHERE billing_customer.id = mine.id"
)
_MARK_LATER: Final = (
    "WITH due AS (SELECT id FROM billing_customer WHERE dirty_at IS NULL AND (fetched_at IS NULL OR fetched_at < %s) "
    "ORDER BY fetched_at NULLS FIRST LIMIT %s FOR UPDATE SKIP LOCKED) "
    "UPDATE billing_customer SET dirty_seq = dirty_seq + 1, dirty_at = %s FROM due WHERE billing_customer.id = due.id"
)


def mark(customers: Collection[str], *, at: datetime, is_urgent: bool = False, using: str = DEFAULT_DB_ALIAS) -> int:
    """Have customers be read again, by Stripe's ids, and return how many of them are ours.

    is_urgent: do not wait for the pause after a failure.
    """
    return _changed(_MARK, [list(customers), at, is_urgent], using)


def mark_stale(*, before: datetime, at: datetime, limit: int, using: str = DEFAULT_DB_ALIAS) -> int:
    """Have those be read again that were not since ``before``, the longest ago first, and return how many."""
    return _changed(_MARK_LATER, [before, limit, at], using)


def _changed(sql: str, parameters: list[Any], using: str) -> int:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)
