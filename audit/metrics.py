"""What is appended to the trail, by kind: sign-ins that failed, challenges that were passed, changes of every sort."""

from functools import cache
from typing import Final

from prometheus_client import Counter

ENTRIES: Final = Counter(
    "tiergate_trail_entries_total", "Entries that were appended, other than routine decisions.", ["kind"]
)


def count_entry(kind: str) -> None:
    """Count one entry. One whose transaction is rolled back afterwards stays counted."""
    _child(str(kind)).inc()


@cache
def _child(kind: str) -> Counter:
    return ENTRIES.labels(kind)
