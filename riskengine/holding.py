"""Who writes of a person, and who takes back what was written of them, hold the person by turns, until their transactions end.

INVARIANT: a person is held before any row of theirs in this room is locked, so that nobody waits for somebody who waits for them.
Whoever writes a signal or notes a session holds them by a trigger.
"""

from typing import Final
from uuid import UUID

from django.db import connection

from riskengine.subjects import Subject

_ALONE: Final = "SELECT riskengine_hold(%s, %s, %s)"
_WITH_OTHERS: Final = "SELECT riskengine_hold_shared(%s, %s, %s)"


def hold_alone(*, tenant_id: UUID, subject: Subject) -> None:
    """Wait until nobody writes of a person, and keep others from it; within the tenant's transaction. subject: as it is stored."""
    with connection.cursor() as cursor:
        cursor.execute(_ALONE, [tenant_id, *subject])


def hold_with_others(*, tenant_id: UUID, subject: Subject) -> None:
    """Keep a person from being erased, within the tenant's transaction. subject: as it is stored."""
    with connection.cursor() as cursor:
        cursor.execute(_WITH_OTHERS, [tenant_id, *subject])
