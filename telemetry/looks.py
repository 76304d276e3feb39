"""Look at something that may hang, without hanging with it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

REMEMBERED_SECONDS: Final = 1.0


@dataclass(slots=True)
class _Ongoing[T]:
    """One look that is under way, or over."""

    began_at: float
    over: threading.Event = field(default_factory=threading.Event)
    answer: T | None = None


class Look[T]:
    """Run a callable in a thread of its own, one at a time, and wait for it no longer than a bound.

    Who asks within a second of the last answer gets that one, so that asking often is no load. Who asks while a look
    hangs waits for what is left of its bound alone: a server that was paused costs its askers one wait, not one each.
    """

    def __init__(self, look: Callable[[], T], *, name: str, bound_seconds: float) -> None:
        self._look = look
        self._name = name
        self._bound = bound_seconds
        self._guard = threading.Lock()
        self._ongoing: _Ongoing[T] | None = None
        self._answer: T | None = None
        self._answered_at = float("-inf")

    def ask(self) -> T | None:
        """Return the answer, at most a second old; None where there is none within the bound.

        An exception of the callable is no answer either: it should turn what can go wrong into one.
        """
        ongoing = self._begun()
        if ongoing is None:
            return self._answer
        ongoing.over.wait(max(0.0, ongoing.began_at + self._bound - time.monotonic()))
        return ongoing.answer

    def begin(self) -> None:
        """Begin a look where none is under way and the last answer is a second old; wait for nothing."""
        self._begun()

    def settle(self, *, seconds: float) -> bool:
        """Wait for the look that is under way, if any, and forget its answer; False when it goes on."""
        with self._guard:
            ongoing = self._ongoing
        is_over = ongoing is None or ongoing.over.wait(seconds)
        with self._guard:
            self._answered_at = float("-inf")
        return is_over

    def _begun(self) -> _Ongoing[T] | None:
        """Return the look that is under way, having begun it if need be; None where the last answer is young enough."""
        with self._guard:
            if time.monotonic() - self._answered_at < REMEMBERED_SECONDS:
                return None
            if self._ongoing is None:
                self._ongoing = _Ongoing(began_at=time.monotonic())
                threading.Thread(target=self._run, args=(self._ongoing,), name=self._name, daemon=True).start()
            return self._ongoing

    def _run(self, ongoing: _Ongoing[T]) -> None:
        try:
            ongoing.answer = self._look()
        finally:
            with self._guard:
                self._answer, self._answered_at = ongoing.answer, time.monotonic()
                self._ongoing = None
            ongoing.over.set()
