"""Without PostgreSQL the answer is "not now", at once and clearly, and everything goes on when it is back."""

import signal

import pytest

from tests.faults.conftest import hold
from tests.faults.fault import Faults, repeated, undone
from tests.faults.house import House
from tests.faults.load import Kind

pytestmark = pytest.mark.storm


def test_killed_and_back(house: House, faults: Faults) -> None:
    outcome = faults.run(
        "PostgreSQL SIGKILLed", lambda: undone(lambda: house.signal_postgres(signal.SIGKILL), house.bring_back)
    )
    hold(outcome)
    assert outcome.heard.count()[Kind.BROKEN] == 0
    assert outcome.heard.count()[Kind.LATER] > 0


def test_paused(house: House, faults: Faults) -> None:
    outcome = faults.run(
        "PostgreSQL paused",
        lambda: undone(lambda: house.signal_postgres(signal.SIGSTOP), lambda: house.signal_postgres(signal.SIGCONT)),
        seconds=7,
    )
    hold(outcome)
    assert outcome.heard.count()[Kind.BROKEN] == 0
    assert outcome.heard.count()[Kind.LATER] > 0


def test_restarted(house: House, faults: Faults) -> None:
    outcome = faults.run("PostgreSQL restarted", lambda: undone(house.restart_postgres, house.bring_back), seconds=2)
    hold(outcome)
    assert outcome.heard.count()[Kind.BROKEN] == 0


def test_connections_cut(house: House, faults: Faults) -> None:
    outcome = faults.run("connections cut, 20 times a second", lambda: repeated(house.cut_connections, every=0.05))
    hold(outcome)
    assert outcome.heard.count()[Kind.BROKEN] == 0


def test_disk_full(house: House, faults: Faults) -> None:
    if not house.has_own_disk:
        pytest.skip("this account may not mount a disk that it could fill")
    outcome = faults.run("PostgreSQL's disk full", house.full_disk)
    hold(outcome)
    assert outcome.heard.count()[Kind.BROKEN] == 0
    assert outcome.heard.count()[Kind.LATER] > 0, "the disk was not full"
