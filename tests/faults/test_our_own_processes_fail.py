"""A deciding process that dies, or whose clock is wrong."""

import os
import signal

import pytest

from tests.faults.conftest import hold
from tests.faults.fault import Faults, undone
from tests.faults.house import House
from tests.faults.load import Kind

# A thread of the load asks a few times at most in the five milliseconds that a record waits for.
MOST_IN_A_FLUSH = 64

pytestmark = pytest.mark.storm


def test_a_deciding_process_is_killed(house: House, faults: Faults) -> None:
    pids = house.deciding_pids()
    assert len(pids) > 1, "one stays: who lives has no part in it"
    outcome = faults.run(
        "a deciding process SIGKILLed", lambda: undone(lambda: os.kill(pids[0], signal.SIGKILL), lambda: None)
    )
    # What a process that is killed had not sent yet: the routine records of its last five milliseconds.
    hold(outcome, lost_routine=MOST_IN_A_FLUSH)
    assert house.deciding_pids() != pids
    assert len(house.deciding_pids()) == len(pids), "nobody took its place"


@pytest.mark.parametrize("minutes", [10, -10])
def test_the_clock_is_stepped(house: House, faults: Faults, minutes: int) -> None:
    outcome = faults.run(
        f"clock {minutes:+} minutes",
        lambda: undone(lambda: house.step_clock(minutes * 60), lambda: house.step_clock(0)),
    )
    hold(outcome)
    assert outcome.heard.count()[Kind.BROKEN] == 0
