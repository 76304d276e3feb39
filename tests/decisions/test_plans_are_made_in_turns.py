"""Plans and replays are made by a worker in turns: what one has counted the next one goes on from, whoever dies."""

from datetime import datetime, timedelta

import pytest
from django.test import Client

from decisions.policy import making, plans
from decisions.policy.activating import activate
from decisions.policy.errors import BundleNotFound, PlanNotFound, PlanRefused
from decisions.policy.storing import store_bundle
from isolation import clock
from tests.decisions.asking import ask, body, store_routine_records
from tests.decisions.conftest import World
from tests.policy.bundles import files, rule


class Ticking:
    """A clock that goes on by a second each time that it is looked at."""

    def __init__(self) -> None:
        self.at = clock.now()

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


@pytest.fixture
def seven(client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven decisions, read two at a time."""
    monkeypatch.setattr("decisions.policy.recorded.AT_ONCE", 2)
    handle = world.asserted()
    for number in range(7):
        ask(client, world.acme_key, body(resource=("report", str(number % 2)), session=handle))
    store_routine_records()


@pytest.fixture
def asked_for(seven: None) -> plans.Plan:
    """A plan of a stored candidate that would have refused three of them."""
    return plans.begin_plan(digest=_stored(), days=1, by="user:olga", at=clock.now())


def _stored() -> str:
    when = 'resource.id == "1"'
    said = files(rule(when, name="first", on="{actions: [reports.read]}") + "  waives_tests: A test is its case.\n")
    return store_bundle(said, by="user:olga", at=clock.now()).digest


def turn(seconds: float = 600) -> int:
    ticking = Ticking()
    return making.make_plans(clock=ticking, until=ticking.at + timedelta(seconds=seconds))


def test_a_plan_is_made_in_turns_and_counts_nothing_twice(asked_for: plans.Plan) -> None:
    assert turn(seconds=5) == 0
    part = plans.get_plan(asked_for.id)
    assert (part.status, part.done, part.total, part.report) == ("running", 2, 7, None)
    assert turn() == 1
    done = plans.get_plan(asked_for.id)
    assert (done.status, done.done, done.total) == ("done", 7, 7)
    assert done.report is not None
    assert (done.report.decisions, done.report.changes) == (7, {"newly_refused": 3, "unchanged": 4})
    assert done.report.forecast.after == 0
    assert turn() == 0, "nothing is made twice"


def test_the_same_plan_asked_for_again_is_the_one_that_is_open(asked_for: plans.Plan) -> None:
    again = plans.begin_plan(digest=asked_for.candidate, days=1, by="user:otto", at=clock.now())
    assert (again.id, again.by) == (asked_for.id, "user:olga")
    assert plans.begin_plan(digest=asked_for.candidate, days=2, by="user:otto", at=clock.now()).id != asked_for.id
    turn()
    assert plans.begin_plan(digest=asked_for.candidate, days=1, by="user:otto", at=clock.now()).id != asked_for.id


def test_a_worker_that_was_thought_to_be_dead_stores_nothing(asked_for: plans.Plan) -> None:
    late = Ticking()
    held = making._take(at=late())
    assert held is not None
    assert turn() == 0, "while it lasts, a lease is somebody's"
    late.at += making.LEASE * 1.5
    assert making.make_plans(clock=late, until=late.at + timedelta(seconds=5)) == 0
    part = plans.get_plan(asked_for.id)
    assert (part.status, part.done) == ("running", 2)
    assert making._work(held, clock=late, until=late.at + timedelta(minutes=9)) is False
    assert plans.get_plan(asked_for.id) == part
    assert making.make_plans(clock=late, until=late.at + timedelta(minutes=9)) == 1
    done = plans.get_plan(asked_for.id).report
    assert done is not None
    assert done.changes == {"newly_refused": 3, "unchanged": 4}


def test_a_plan_that_never_comes_further_fails_and_holds_up_no_other(asked_for: plans.Plan) -> None:
    ticking = Ticking()
    for _ in range(making.ATTEMPTS):
        assert making._take(at=ticking()) is not None
        ticking.at += making.LEASE * 1.5
    assert making.make_plans(clock=ticking, until=ticking.at + timedelta(minutes=9)) == 1
    failed = plans.get_plan(asked_for.id)
    assert (failed.status, failed.error) == ("failed", "It was begun again and again, and came no further.")


def test_plans_are_forgotten_after_a_month_and_what_is_none_is_refused(asked_for: plans.Plan) -> None:
    assert plans.forget_plans(at=clock.now() + timedelta(days=29)) == 0
    assert plans.forget_plans(at=clock.now() + timedelta(days=31)) == 1
    with pytest.raises(PlanNotFound):
        plans.get_plan(asked_for.id)
    with pytest.raises(BundleNotFound):
        plans.begin_plan(digest="0" * 64, by="user:olga", at=clock.now())
    for days in (0, 367, True):
        with pytest.raises(PlanRefused):
            plans.begin_plan(digest=asked_for.candidate, days=days, by="user:olga", at=clock.now())


def test_a_replay_is_made_in_turns_and_counts_nothing_twice(client: Client, world: World, seven: None) -> None:
    digest = _stored()
    activate(digest=digest, because="it is time", by="user:olga", at=clock.now())
    ask(client, world.acme_key, body(resource=("report", "1"), session=world.asserted()))
    store_routine_records()
    begun = plans.begin_replay(days=1, by="user:olga", at=clock.now())
    assert plans.begin_replay(days=1, by="user:otto", at=clock.now()).id == begun.id
    assert turn(seconds=5) == 0
    part = plans.get_replay(begun.id)
    assert (part.status, part.done, part.total, part.report) == ("running", 2, 8, None)
    assert turn() == 1
    done = plans.get_replay(begun.id)
    assert (done.status, done.done, done.total) == ("done", 8, 8)
    assert done.report is not None
    assert (done.report.is_same, done.report.same, done.report.bundles) == (True, 8, {"": 7, digest: 1})
    assert plans.begin_replay(days=1, by="user:otto", at=clock.now()).id != begun.id


def test_a_plan_and_a_replay_are_not_taken_for_each_other(asked_for: plans.Plan) -> None:
    again = plans.begin_replay(days=1, by="user:olga", at=clock.now())
    with pytest.raises(PlanNotFound):
        plans.get_replay(asked_for.id)
    with pytest.raises(PlanNotFound):
        plans.get_plan(again.id)
    assert turn() == 2
    assert plans.get_plan(asked_for.id).status == plans.get_replay(again.id).status == "done"
    with pytest.raises(PlanRefused):
        plans.begin_replay(days=0, by="user:olga", at=clock.now())
