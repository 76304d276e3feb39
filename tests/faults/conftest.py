"""One house for all faults, and the table of what they came to."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.faults.fault import Faults, Outcome, table
from tests.faults.house import House
from tests.faults.load import Kind
from tests.faults.waiting import wait_until_answered

HANGING_SECONDS: Final = 6.5
"""Longer than any answer takes, on a busy machine too; each fault that could leave somebody hanging lasts longer."""

_faults: list[Faults] = []


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    """Run an installation of its own while the faults last."""
    with House() as made:
        wait_until_answered(made)
        yield made


@pytest.fixture(scope="session")
def faults(house: House) -> Faults:
    """Break that house, in one way after another."""
    made = Faults(house)
    _faults.append(made)
    return made


def hold(outcome: Outcome, *, lost_routine: int = 0) -> None:
    """Make sure of what holds under every fault."""
    said = "\n".join(outcome.heard.sayings())
    count = outcome.heard.count()
    assert count[Kind.WRONG] == 0, f"allowed what must not be:\n{said}"
    assert outcome.lost == 0, "acknowledged decisions are not in the trail"
    assert outcome.lost_routine <= lost_routine, "acknowledged routine decisions are not in the trail"
    assert count[Kind.ODD] == 0, f"refusals that are not clear:\n{said}"
    assert count[Kind.DENIED] == 0, f"refused as a decision what is only unknown:\n{said}"
    assert outcome.recovered_after is not None, f"it does not recover by itself:\n{said}"
    assert count[Kind.RIGHT] > 0
    assert outcome.heard.slowest() < HANGING_SECONDS, "somebody was left hanging"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    for one in _faults:
        terminalreporter.write_sep("=", "faults")
        terminalreporter.write_line(table(one.outcomes))
