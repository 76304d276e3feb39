"""Who writes of a person, and who takes back what was written of them, hold the person by turns, until their transactions end.

Whoever confirms in a session, and whoever sees it come to look riskier, hold the session by turns: the one who comes second knows of
the first.

INVARIANT: a session is held before its person, a person before any row of theirs in this room is locked, and both before any
elevation is, so that nobody waits for somebody who waits for them.
Whoever writes a signal or notes a session holds the person by a trigger; whoever notes a session holds it (`riskengine_noted_at`).
"""

from typing import Final
from uuid import UUID

from django.db import connection

from riskengine.subjects import Subject

_ALONE: Final = "SELECT riskengine_hold(%s, %s, %s)"
_WITH_OTHERS: Final = "SELECT riskengine_hold_shared(%s, %s, %s)"
_SESSION: Final = "SELECT riskengine_hold_session(%s, %s)"


def hold_session(*, tenant_id: UUID, session_id: UUID) -> None:
    """Wait until nobody notes how a session looks or confirms in it, and keep others from it; within the tenant's transaction.

    It is for the beginning of a transaction in which something of the session is confirmed or used up: what is read after this call
    knows of every rise before it, and a rise after it finds what was confirmed.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SESSION, [tenant_id, session_id])


def hold_alone(*, tenant_id: UUID, subject: Subject) -> None:
    """Wait until nobody writes of a person, and keep others from it; within the tenant's transaction. subject: as it is stored."""
    with connection.cursor() as cursor:
        cursor.execute(_ALONE, [tenant_id, *subject])


def hold_with_others(*, tenant_id: UUID, subject: Subject) -> None:
    """Keep a person from being erased, within the tenant's transaction. subject: as it is stored."""
    with connection.cursor() as cursor:
        cursor.execute(_WITH_OTHERS, [tenant_id, *subject])
