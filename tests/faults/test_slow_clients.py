"""Whoever takes their time takes nobody else's."""

import pytest

from tests.faults.conftest import hold
from tests.faults.fault import Faults
from tests.faults.house import House
from tests.faults.load import Kind
from tests.faults.slow import slow_clients

pytestmark = pytest.mark.storm


@pytest.mark.parametrize("who", ["stranger", "caller"])
def test_two_hundred_slow_clients(house: House, faults: Faults, who: str) -> None:
    known = house.world["credentials"]["product"][1]
    secret = {"stranger": known[:-4] + "0000", "caller": known}[who]
    outcome = faults.run(
        f"200 slow clients, each a {who}",
        lambda: slow_clients(house.port, headers=100, bodies=100, secret=secret),
        seconds=7,
    )
    hold(outcome)
    assert outcome.heard.count()[Kind.BROKEN] == 0
    assert outcome.heard.count()[Kind.LATER] == 0
