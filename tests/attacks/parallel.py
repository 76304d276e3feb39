"""Doing one thing from many threads at the same moment, each with a database connection of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connections


def at_once[T](act: Callable[[int], T], count: int = 8) -> list[T | Exception]:
    """Run ``act(i)`` in ``count`` threads that start together; return each result or what it raised."""
    barrier = Barrier(count)

    def run(number: int) -> T | Exception:
        try:
            barrier.wait(timeout=10)
            return act(number)
        except Exception as error:  # noqa: BLE001 - the test looks at what was raised
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
