"""What came of how a request looks is given again while all that it rests on is the same, and no longer."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace as with_changed
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from decisions import looked
from decisions.facts import find_action
from decisions.frames import Frame, frame_of
from decisions.looked import Looked, find_look
from decisions.people import Person, read_person
from decisions.question import Question
from decisions.risk import look
from decisions.wire import read_question
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from licensing import push
from riskengine import api as risk
from riskengine import assessing, policies
from tests.decisions.asking import body
from tests.decisions.conftest import World
from tests.decisions.remembered import Time
from tests.licensing.test_snapshots import until_listening
from tests.looking import FAR, HOME, at_home, far_is, told


class Asked:
    """One question of Alice, as a process gathers what it is decided by."""

    def __init__(self, world: World, looks: dict[str, Any]) -> None:
        self.world, self.session = world, world.asserted()
        self.question = read_question(body(session=self.session, **looks), tenant_id=world.acme)
        self.at = clock.now()
        self.person = read_person(self.question, at=self.at)
        self.snapshot = licensing.get_snapshot(tenant_id=world.acme, at=self.at)

    @property
    def frame(self) -> Frame:
        return frame_of(self.snapshot)

    @property
    def policy(self) -> risk.RiskPolicy:
        return risk.policy_at(tenant_id=self.world.acme, version=self.frame.versions.snapshot)

    def look(self, **how: Any) -> Looked:
        action = find_action(self.question.action, self.snapshot)
        assert action is not None
        assert action.feature is not None
        entitlement = self.snapshot.entitlements[action.feature]
        return look(self.question, self.frame, self.person, action, entitlement, at=self.at, **how)

    def found(
        self,
        *,
        question: Question | None = None,
        frame: Frame | None = None,
        person: Person | None = None,
        policy: risk.RiskPolicy | None = None,
        at: datetime | None = None,
    ) -> Looked | None:
        """Find what is remembered of the question, or of one that differs so."""
        # A machine that is busy may have cut the listener off, and a deaf process trusts nothing for long.
        until_listening()
        return find_look(
            question or self.question,
            frame or self.frame,
            person or self.person,
            policy or self.policy,
            at=at or self.at,
        )


@pytest.fixture
def untold(world: World) -> Iterator[None]:
    """Let nothing that is told reach what this process remembers: not what was told before, nor that news were lost."""
    hearing = [assessing._memory.hear, policies._memory.hear]
    for handler in hearing:
        push._handlers.remove(handler)
    yield
    for handler in hearing:
        push.subscribe(handler)


@pytest.fixture
def at_hers(world: World, untold: None) -> Asked:
    """A look of Alice at home, who is always there."""
    at_home(world.acme)
    far_is(world.acme, "high")
    asked = Asked(world, HOME)
    assert asked.look().known["risk_band"] == "low"
    return asked


def test_the_same_question_is_given_what_came_of_it_before(at_hers: Asked) -> None:
    assert at_hers.found() is at_hers.look()


def _of_another_session(one: Question) -> Question:
    return replace(one, context=replace(one.context, session="ses_another"))


def _looking_otherwise(one: Question) -> Question:
    return replace(one, context=replace(one.context, told=told(FAR)))


@pytest.mark.parametrize(
    "otherwise",
    [
        _of_another_session,
        _looking_otherwise,
        lambda one: replace(one, action="exports.create"),
        lambda one: replace(one, subject=replace(one.subject, id="bob")),
        lambda one: replace(one, subject=replace(one.subject, type="account")),
    ],
    ids=["session", "looks", "action", "subject", "kind of subject"],
)
def test_another_question_is_looked_at_by_itself(at_hers: Asked, otherwise: Callable[[Question], Question]) -> None:
    assert at_hers.found(question=otherwise(at_hers.question)) is None


def test_a_new_state_of_the_tenant_or_its_policy_is_asked_anew(at_hers: Asked) -> None:
    assert at_hers.found(frame=Frame(at_hers.snapshot)) is None
    assert at_hers.found(policy=risk.RiskPolicy()) is None


def test_a_session_that_was_seen_to_be_riskier_is_looked_at_anew(at_hers: Asked) -> None:
    assert at_hers.found(person=with_changed(at_hers.person, risk_band="high")) is None


@pytest.mark.parametrize("later", [timedelta(minutes=-1), timedelta(minutes=1)])
def test_each_minute_how_it_looks_is_read_anew(at_hers: Asked, later: timedelta) -> None:
    assert at_hers.found(at=at_hers.at + later) is None


def _something_happens(world: World) -> None:
    risk.record_signal(
        tenant_id=world.acme,
        subject=("user", "alice"),
        session_id=None,
        kind="sign_in_failed",
        seen=risk.NOTHING_SEEN,
        at=clock.now(),
    )


@pytest.mark.parametrize(
    "happening",
    [
        _something_happens,
        lambda _: licensing.publish("erased", "anywhere"),
        lambda _: licensing.publish(licensing.RESET, ""),
        lambda _: risk.forget_assessments(),
    ],
    ids=["to the person", "somebody is erased", "news were lost", "told to forget"],
)
def test_what_happens_ends_it(at_hers: Asked, happening: Callable[[World], None]) -> None:
    push.subscribe(assessing._memory.hear)
    happening(at_hers.world)
    assert at_hers.found() is None


def test_what_happens_to_somebody_else_does_not(at_hers: Asked) -> None:
    assessing._memory.hear(assessing.HAPPENED, json.dumps([str(at_hers.world.acme), "user", "bob"]))
    assert at_hers.found() is not None
    assessing._memory.hear(assessing.HAPPENED, json.dumps([str(at_hers.world.acme), "user", "alice"]))
    assert at_hers.found() is None


def test_it_ends_by_itself(at_hers: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    passing = Time()
    monkeypatch.setattr(assessing, "time", passing)
    risk.forget_assessments()
    at_hers.look()
    passing.pass_by(assessing.REMEMBERED_SECONDS - 0.1)
    assert at_hers.found() is not None
    passing.pass_by(0.1)
    assert at_hers.found() is None


def test_what_was_raised_is_looked_at_each_time(world: World) -> None:
    at_home(world.acme)
    far_is(world.acme, "high")
    asked = Asked(world, FAR)
    for _ in range(2):
        assert asked.look().contributions
        assert asked.found() is None


def test_what_nobody_asks_in_earnest_is_not_remembered(world: World) -> None:
    at_home(world.acme)
    asked = Asked(world, HOME)
    asked.look(is_noted=False)
    assert asked.found() is None


def test_what_was_read_in_a_transaction_may_never_come_to_be(world: World) -> None:
    at_home(world.acme)
    asked = Asked(world, HOME)
    with tenant_transaction(world.acme):
        asked.look()
    assert asked.found() is None


def test_so_many_are_remembered_and_no_more(world: World, untold: None, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home(world.acme)
    monkeypatch.setattr(looked, "CAPACITY", 2)
    looked._kept.clear()
    for number in range(5):
        asked = Asked(world, {**HOME, "ip": f"203.0.113.{number + 1}"})
        asked.look()
        assert asked.found() is not None
        assert len(looked._kept) <= 2


def test_an_answer_that_is_no_longer_held_no_longer_stands() -> None:
    memory, now = assessing._Memory(), 1_000.0
    person, question = (licensing.VENDOR_TENANT_ID, ("user", "olga")), (None, 0, risk.NOTHING_SEEN)

    def keep(at: float) -> risk.Answered:
        answered = risk.Answered(risk.NOT_ASSESSED, made_at=at)
        assert answered.is_over
        memory.keep(person, question, answered, news=memory.news)
        return answered

    first, second = keep(now), keep(now + 1)
    assert (first.is_over, second.is_over) == (True, False), "it was answered twice at once"
    third = keep(now + assessing.REMEMBERED_SECONDS)
    assert not second.is_over
    fourth = keep(now + 2 * assessing.REMEMBERED_SECONDS)
    assert (second.is_over, third.is_over, fourth.is_over) == (True, False, False), "nobody could end it any more"
    memory.forget(person)
    assert (third.is_over, fourth.is_over) == (True, True)
