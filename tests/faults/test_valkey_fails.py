"""Without Valkey decisions are slower, never open, and none that was told is lost."""

import signal

import pytest

from tests.faults.conftest import hold
from tests.faults.fault import Faults, repeated, undone
from tests.faults.house import House
from tests.faults.load import Kind

pytestmark = pytest.mark.storm


def test_killed_and_back(house: House, faults: Faults) -> None:
    outcome = faults.run(
        "Valkey SIGKILLed", lambda: undone(lambda: house.signal_valkey(signal.SIGKILL), house.bring_back)
    )
    hold(outcome)
    assert outcome.heard.count()[Kind.BROKEN] == 0


def test_paused(house: House, faults: Faults) -> None:
    outcome = faults.run(
        "Valkey paused",
        lambda: undone(lambda: house.signal_valkey(signal.SIGSTOP), lambda: house.signal_valkey(signal.SIGCONT)),
        seconds=7,
    )
    hold(outcome)
    assert outcome.heard.count()[Kind.BROKEN] == 0


def test_wiped(house: House, faults: Faults) -> None:
    outcome = faults.run("Valkey wiped, again and again", lambda: repeated(house.wipe_valkey, every=0.5))
    hold(outcome)
    assert outcome.heard.count()[Kind.BROKEN] == 0
