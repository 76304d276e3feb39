"""How often cycles are looked for while very many decisions are read and decided again."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_COLLECT_EVERY: Final = 20
"""Pages."""


@contextmanager
def collecting_seldom() -> Iterator[Callable[[], None]]:
    """Look for cycles every few pages alone: what is read forms none, and looking through it takes a third of the time.

    What is given is to be called after each page. It is of the whole process, so only for one that does nothing else meanwhile.
    """
    was_on, pages = gc.isenabled(), 0

    def collect() -> None:
        nonlocal pages
        pages += 1
        if pages % _COLLECT_EVERY == 0:
            gc.collect()

    gc.disable()
    try:
        yield collect
    finally:
        if was_on:
            gc.enable()
