"""Lengths of time by their seconds, each made once: to make one costs more than all that a decision does with it."""

from datetime import timedelta
from functools import lru_cache

_REMEMBERED = 8_192


@lru_cache(maxsize=_REMEMBERED)
def of_seconds(count: int) -> timedelta:
    """Give so many seconds.

    :raises OverflowError: more than there can be. :raises TypeError, ValueError: no number.
    """
    return timedelta(seconds=count)
