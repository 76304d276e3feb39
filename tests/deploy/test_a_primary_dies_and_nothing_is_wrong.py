"""The primary dies under load; its replica takes its place."""

import threading
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest

from config.embedded.paths import APP, OWNER
from config.embedded.processes import wait_until
from deploy.drill.cluster import DrillError, machine
from deploy.drill.failover import failover_drill
from deploy.drill.installation import made_secrets
from deploy.drill.load import SOLD, Asked, Selling, wrong
from deploy.drill.pair import Pair, make_pair

pytestmark = pytest.mark.storm


@pytest.fixture
def pair() -> Iterator[Pair]:
    with machine(made_secrets()) as here:
        yield make_pair(here)


def _allow(began: float, ended: float, question: str = SOLD) -> Asked:
    return Asked("node", question, began, ended, 200, is_allowed=True, decision_id="")


def test_the_drill_would_find_a_wrong_allow() -> None:
    selling = Selling(spans=[[10.0, 20.0], [40.0, float("inf")]])
    right = [_allow(9.9, 10.1), _allow(20.9, 21.0), _allow(1000.0, 1000.1), _allow(1.0, 2.0, "a routine allow")]
    planted = [
        _allow(9.0, 9.9),
        _allow(21.1, 21.2),
        _allow(15.0, 15.1, "an action that nobody declared"),
        _allow(15.0, 15.1, "a regulated feature without a second factor"),
    ]
    assert wrong([*right, *planted], selling) == planted


def test_a_failover_gives_no_wrong_allow_and_loses_no_acknowledged_record() -> None:
    told: list[str] = []
    found = failover_drill(told.append)
    assert found.wrong == []
    assert found.lost == []
    assert found.acknowledged > 100
    # Nothing but answers and 503s, before, during and after; and some of each where they belong.
    assert set(found.before) == {200}
    assert set(found.during) <= {0, 200, 503}
    assert set(found.during) & {0, 503}, "nobody noticed, so this shows nothing"
    assert found.after[200] > 0
    assert set(found.after) <= {200, 503}
    assert found.returned_in_recovery
    assert found.returned_caught_up


def test_a_fenced_primary_that_comes_back_is_not_written_to(pair: Pair) -> None:
    with psycopg.connect(pair.url(OWNER), autocommit=True) as connection:
        connection.execute("CREATE TABLE written (id int)")
    pair.primary.kill()
    pair.fence()
    pair.promote()
    pair.primary.start()
    with pair.primary.superuser() as old:
        assert old.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            old.execute("INSERT INTO written VALUES (1)")
    # Its address is still the first in everybody's URL.
    with psycopg.connect(pair.url(OWNER), autocommit=True) as connection:
        assert connection.info.port == pair.replica.port
        connection.execute("INSERT INTO written VALUES (2)")


def test_a_primary_that_comes_back_without_a_fence_acknowledges_no_write(pair: Pair) -> None:
    pair.primary.kill()
    pair.promote()
    pair.primary.start()
    acknowledged: list[str] = []

    def write() -> None:
        with (
            suppress(psycopg.OperationalError),
            psycopg.connect(pair.primary.url(OWNER), autocommit=True) as connection,
        ):
            connection.execute("CREATE TABLE written (id int)")
            acknowledged.append("written")

    writer = threading.Thread(target=write)
    writer.start()
    with pair.primary.superuser() as old:

        def is_waiting() -> bool:
            # For the word of a replica that follows it no more.
            return old.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'").fetchone() == (1,)

        assert wait_until(is_waiting, seconds=20)
        assert old.execute("SELECT to_regclass('written')").fetchone() == (None,), "others see what is not acknowledged"
    pair.primary.kill()
    writer.join(timeout=20)
    assert acknowledged == []


def test_a_replica_is_not_promoted_before_somebody_says_that_the_primary_is_fenced(pair: Pair) -> None:
    with pytest.raises(DrillError, match="two primaries are two truths"):
        pair.promote(fenced="")
    with psycopg.connect(pair.url(APP)) as connection:
        assert connection.info.port == pair.primary.port
