"""One at a time, over all workers: who dies lets go at once, since the database holds it by their connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connections

SWEEP: Final = "sweep"


@contextmanager
def alone(number: int) -> Iterator[bool]:
    """Say whether nobody else is within such a block of this number, and keep others out until it ends.

    number: 64 bits that nothing else locks by.
    """
    with connections[SWEEP].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
        (is_alone,) = cursor.fetchone()
    try:
        yield is_alone
    finally:
        if is_alone:
            with connections[SWEEP].cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [number])
