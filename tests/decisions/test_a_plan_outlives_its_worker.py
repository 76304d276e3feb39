"""A worker that is killed while it makes a plan leaves the plan to the next, and nothing of it is lost or counted twice."""

import signal
import subprocess
import sys
from datetime import timedelta
from typing import Final

import pytest

from config.embedded import paths
from decisions.policy import making, plans
from decisions.policy.activating import read_stage
from isolation import clock
from tests.decisions.test_plans_are_made_in_turns import Ticking, asked_for, seven

__all__ = ["asked_for", "seven"]

PATIENCE: Final = 60

# It looks at the clock before and after whatever it stores: the n-th look is where it dies.
_WORKER: Final = """
import os, signal, sys
import django
django.setup()
from datetime import timedelta
from decisions.policy import making, recorded
from isolation.clock import now
making.STORE_EVERY, recorded.AT_ONCE = timedelta(0), 2
looks = iter(range(int(sys.argv[1]) - 1))
def clock():
    if next(looks, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)
    return now()
making.make_plans(clock=clock, until=now() + timedelta(hours=1))
"""


@pytest.mark.storm
@pytest.mark.parametrize(
    ("look", "done"),
    [
        pytest.param(3, 0, id="as it has taken it"),
        pytest.param(5, 0, id="with pages read that are stored nowhere"),
        pytest.param(7, 4, id="with pages stored"),
        pytest.param(9, 7, id="with all pages stored, and no report"),
    ],
)
def test_a_plan_is_made_again_where_its_worker_was_killed(asked_for: plans.Plan, look: int, done: int) -> None:
    before = read_stage()
    killed = subprocess.run(
        [sys.executable, "-c", _WORKER, str(look)], cwd=paths.CHECKOUT, timeout=PATIENCE, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    held = plans.get_plan(asked_for.id)
    assert (held.status, held.done, held.report) == ("running", done, None)
    assert making.make_plans(clock=clock.now, until=clock.now() + timedelta(minutes=1)) == 0, "it may yet be at work"
    later = Ticking()
    later.at += making.LEASE * 1.5
    assert making.make_plans(clock=later, until=later.at + timedelta(minutes=9)) == 1
    found = plans.get_plan(asked_for.id)
    assert (found.status, found.done, found.total, found.error) == ("done", 7, 7, "")
    assert found.report is not None
    assert (found.report.decisions, found.report.changes) == (7, {"newly_refused": 3, "unchanged": 4})
    assert read_stage() == before, "a plan puts nothing in force, however it ends"
