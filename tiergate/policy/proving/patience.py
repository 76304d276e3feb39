"""How long proofs may take in all: what is not proved by then is unproved, as what Z3 gives up is."""

import time
from typing import Final

_LEAST_MS: Final = 1


class OutOfTime(Exception):
    """There was no time left to prove it in."""


class Patience:
    """The time that is left for all invariants of a bundle. within_s: seconds from now on; None: as long as it takes."""

    def __init__(self, within_s: float | None) -> None:
        self._until = None if within_s is None else time.monotonic() + within_s

    def check(self) -> None:
        """Go on where there is time left.

        :raises OutOfTime: there is none.
        """
        if self._until is not None and time.monotonic() >= self._until:
            raise OutOfTime("there was no time left for it")

    def limit(self, timeout_ms: int) -> int:
        """Give the milliseconds that one question to Z3 may take.

        :raises OutOfTime: there is no time left.
        """
        self.check()
        if self._until is None:
            return timeout_ms
        return max(_LEAST_MS, min(timeout_ms, round((self._until - time.monotonic()) * 1000)))


ENDLESS: Final = Patience(None)
