"""A thread that sends what requests hand over: one of its kind in a process, and none inherited over a fork."""

import atexit
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

PATIENCE_AT_EXIT: Final = 3.0
_LOOK_SECONDS: Final = 0.05


class Sending(ABC):
    """A thread that does its work whenever it is woken; whoever waits for that waits with a bound.

    Whoever derives from it begins it last (`_begin`): the thread reads what it was made with.
    """

    def __init__(self, *, name: str) -> None:
        self._something = threading.Event()
        self._idle = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _begin(self) -> None:
        self._thread.start()

    @abstractmethod
    def _run(self) -> None:
        """Work until ``_stopped`` is set: wait for ``_something``, clear it, send, set ``_idle``."""

    @abstractmethod
    def _is_behind(self) -> bool:
        """Say whether something is left to send, or is being sent."""

    def _wake(self) -> None:
        if not self._something.is_set():
            self._something.set()

    def flush(self, *, seconds: float) -> bool:
        """Wait until nothing is left to send, and say whether nothing is."""
        until = time.monotonic() + seconds
        while self._is_behind() and time.monotonic() < until and self._thread.is_alive():
            self._idle.clear()
            self._something.set()
            self._idle.wait(_LOOK_SECONDS)
        return not self._is_behind()

    def stop(self) -> None:
        """Send what waits, and end the thread."""
        self.flush(seconds=PATIENCE_AT_EXIT)
        self._stopped.set()
        self._something.set()
        self._thread.join(timeout=PATIENCE_AT_EXIT)


class OneOfProcess[T: Sending]:
    """The thread of its kind in this process: begun when it is first needed, and stopped when the process ends."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._guard = threading.Lock()
        self._current: T | None = None
        os.register_at_fork(after_in_child=self._begin_anew)

    def get(self) -> T:
        """Return it; the first time, it is made."""
        current = self._current
        if current is None:
            with self._guard:
                current = self._current
                if current is None:
                    current = self._current = self._make()
                    atexit.register(current.stop)
        return current

    def stop(self) -> None:
        """Send what waits and end the thread, as at the end of a test; whoever needs it next gets another."""
        with self._guard:
            if self._current is not None:
                self._current.stop()
                atexit.unregister(self._current.stop)
            self._current = None

    def _begin_anew(self) -> None:
        """Leave to the parent what is the parent's: its thread, what waits there, and a lock that may have been held."""
        self._guard = threading.Lock()
        if self._current is not None:
            atexit.unregister(self._current.stop)
        self._current = None
