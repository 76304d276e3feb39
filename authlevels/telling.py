"""Work that is done row by row: one that raises holds up no other, and is tried again by the next run."""

from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

from isolation.api import by_itself

AT_ONCE: Final = 500
"""How many one run of a task tells of; of twice as many it looks at those that may fail."""


def tell_each(work: str, waiting: Iterable[tuple[UUID, UUID]], tell: Callable[[UUID, UUID], int]) -> int:
    """Tell the trail of each, in a transaction of its own, and return how many were told: 500 at most.

    waiting: (tenant id, row id), the oldest first. tell: opens the transaction; returns how many it told of.
    :raises django.db.DatabaseError: the database is away.
    """
    told = 0
    for tenant_id, row_id in waiting:
        if told >= AT_ONCE:
            break
        with by_itself(work, tenant_id=tenant_id, row_id=row_id):
            told += tell(tenant_id, row_id)
    return told
