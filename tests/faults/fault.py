"""One fault: what is asked before it, under it and after it, and what that came to."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final
from uuid import UUID

from tests.faults.house import House
from tests.faults.load import Heard, Kind, Load, Losing, Question, steady_questions
from tests.faults.world import STEADY

_BEFORE_SECONDS: Final = 1.0
_AFTER_SECONDS: Final = 2.0
_QUIET_SECONDS: Final = 1.0
_RECOVERY_SECONDS: Final = 15.0
_STORED_SECONDS: Final = 15.0
_OWED_SECONDS: Final = 30.0

ROUNDS: Final = 3
"""How often four things are taken away during one fault: early in it, late in it, and after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a fault came to. lost: acknowledged durable decisions that the trail lacks; lost_routine: routine ones."""

    fault: str
    heard: Heard
    lost: int
    lost_routine: int
    recovered_after: float | None
    stored_after: float

    def row(self) -> list[str]:
        """Write it as a row of the table."""
        count = self.heard.count()
        recovered = "never" if self.recovered_after is None else f"{self.recovered_after:.1f}"
        return [
            self.fault,
            *(str(number) for number in (len(self.heard.events), count[Kind.RIGHT], count[Kind.LATER])),
            *(str(count[kind]) for kind in (Kind.BROKEN, Kind.DENIED, Kind.ODD, Kind.WRONG)),
            *(str(number) for number in (self.lost, self.lost_routine)),
            f"{self.heard.slowest():.1f}",
            recovered,
            f"{self.stored_after:.1f}",
        ]


COLUMNS: Final = (
    *("fault", "requests", "right", "503", "errors", "denied", "odd", "wrong"),
    *("lost", "lost routine", "slowest s", "recovered s", "stored s"),
)


class Faults:
    """Breaks a house in one way after another."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._used = 0
        self.outcomes: list[Outcome] = []

    def run(
        self,
        fault: str,
        broken: Callable[[], AbstractContextManager[object]],
        *,
        seconds: float = 4.0,
        threads: int = 8,
    ) -> Outcome:
        """Ask while something is broken for so many seconds, and for as long as it takes afterwards."""
        assert self._house.has_room(), "the questions before have filled the disk, which is a fault of its own"
        losing = Losing(self._house.world, self._house.change, at=self._used)
        self._used += ROUNDS
        load = Load(self._house.port, steady_questions(self._house.world, people=STEADY), threads=threads)
        rounds = [losing.next_questions() for _ in range(ROUNDS)]
        for one in rounds:
            # As often as a steady one: who asks seldom sees little.
            load.questions += [asked for _, _, asked in one] * 4
        with load.going():
            pause(_BEFORE_SECONDS)
            with broken():
                pause(seconds / 5)
                _take(losing, rounds[0])
                pause(seconds / 2)
                _take(losing, rounds[1])
                pause(seconds * 3 / 10)
            mended_at = time.monotonic()
            pause(_AFTER_SECONDS / 2)
            _take(losing, rounds[2])
            _settle(losing)
            pause(_AFTER_SECONDS / 2)
            is_quiet = load.wait_until_quiet(since=mended_at, quiet=_QUIET_SECONDS, seconds=_RECOVERY_SECONDS)
        heard = load.heard()
        last = heard.last_trouble(since=mended_at)
        began = time.monotonic()
        missing = self._missing(heard)
        outcome = Outcome(
            fault=fault,
            heard=heard,
            lost=sum(heard.told[one] for one in missing),
            lost_routine=sum(not heard.told[one] for one in missing),
            recovered_after=max(0.0, last - mended_at) if is_quiet else None,
            stored_after=time.monotonic() - began,
        )
        self.outcomes.append(outcome)
        return outcome

    def _missing(self, heard: Heard) -> set[UUID]:
        until = time.monotonic() + _STORED_SECONDS
        missing = self._house.missing(heard.told)
        while missing and time.monotonic() < until:
            pause(0.25)
            missing = self._house.missing(missing)
        return missing


def _take(losing: Losing, some: list[tuple[str, str, Question]]) -> None:
    for kind, key, asked in some:
        losing.take(kind, key, asked.truth)


def _settle(losing: Losing) -> None:
    until = time.monotonic() + _OWED_SECONDS
    while refused := losing.pay():
        assert time.monotonic() < until, f"what is mended still takes no change: {refused}"
        pause(0.2)


def pause(seconds: float) -> None:
    """Let time pass while others ask."""
    Event().wait(seconds)


@contextmanager
def undone(do: Callable[[], object], undo: Callable[[], object]) -> Iterator[None]:
    """Break something, and mend it at the block's end."""
    do()
    try:
        yield
    finally:
        undo()


@contextmanager
def repeated(do: Callable[[], object], *, every: float) -> Iterator[None]:
    """Do something again and again while the block lasts."""
    ended = Event()

    def do_on() -> None:
        while not ended.is_set():
            do()
            ended.wait(every)

    thread = Thread(target=do_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def table(outcomes: list[Outcome]) -> str:
    """Write the outcomes as lines of a table."""
    rows = [list(COLUMNS), *(one.row() for one in outcomes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
