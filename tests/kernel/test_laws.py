"""The laws of the decision: what can never make a refusal into an allow, whatever the facts."""

from datetime import timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.kernel.strategies import AT, contributions, facts, proofs, requirements
from tiergate import (
    Contribution,
    Decision,
    EnvironmentSensitivity,
    Facts,
    Forbid,
    MemberFact,
    NeedKind,
    Outcome,
    Reason,
    Requirement,
    decide,
    join,
)
from tiergate.environments import asked_in
from tiergate.facts import Purpose

# Of the drawn questions at least this share must be allowed, or the laws below would say little.
LEAST_SHARE = 0.2


def _answer(decision: Decision) -> tuple[object, ...]:
    return decision.outcome, decision.reason, decision.needs, decision.requirement


@given(requirements, requirements, requirements)
def test_joining_does_not_depend_on_grouping(one: Requirement, two: Requirement, three: Requirement) -> None:
    assert (one | two) | three == one | (two | three)


@given(requirements, requirements)
def test_joining_does_not_depend_on_order(one: Requirement, two: Requirement) -> None:
    assert one | two == two | one


@given(requirements)
def test_joining_a_requirement_with_itself_or_with_the_least_one_changes_nothing(one: Requirement) -> None:
    assert one | one == one
    assert one | Requirement() == one
    assert Requirement() | one == one


@given(requirements, requirements)
def test_a_join_is_at_least_each_of_its_parts(one: Requirement, two: Requirement) -> None:
    assert (one | two).is_at_least(one)
    assert (one | two).is_at_least(two)


@given(requirements)
def test_a_requirement_survives_its_json(one: Requirement) -> None:
    assert Requirement.from_json(one.to_json()) == one


@given(st.lists(contributions, min_size=1, max_size=4))
def test_the_join_of_contributions_is_that_of_their_requirements(given_: list[Contribution]) -> None:
    joined = join(given_)
    assert joined is not None
    assert all(joined.is_at_least(one.requirement) for one in given_)
    assert join(reversed(given_)) == joined


@pytest.mark.storm
def test_the_drawn_questions_are_allowed_often_enough() -> None:
    outcomes: list[Outcome] = []

    @settings(max_examples=200, derandomize=True, database=None)
    @given(facts)
    def draw(one: Facts) -> None:
        outcomes.append(decide(one).outcome)

    draw()
    assert outcomes.count(Outcome.ALLOW) / len(outcomes) >= LEAST_SHARE
    for outcome in Outcome:
        assert outcomes.count(outcome) / len(outcomes) >= 0.02, outcome


@given(facts)
def test_an_answer_always_comes_and_says_why(one: Facts) -> None:
    decision = decide(one)
    event(f"{decision.outcome} {decision.reason}")
    assert decision.reason != Reason.INTERNAL_ERROR
    assert (decision.outcome == Outcome.ALLOW) == (decision.reason == Reason.ALLOWED)
    assert decision.trace
    if decision.outcome == Outcome.ALLOW:
        assert decision.needs == ()
        assert decision.requirement is not None
    if decision.outcome in {Outcome.STEP_UP, Outcome.UPGRADE}:
        assert decision.needs
    assert decision.is_allowed == (decision.outcome == Outcome.ALLOW and one.purpose == Purpose.ENFORCE)


@given(facts)
def test_the_same_facts_give_the_same_answer(one: Facts) -> None:
    assert decide(one) == decide(one)


@given(facts, requirements)
def test_a_further_requirement_never_turns_a_refusal_into_an_allow(one: Facts, more: Requirement) -> None:
    stricter = replace(one, contributions=(*one.contributions, Contribution(source="more", requirement=more)))
    # That nobody asks for anything is a refusal of its own: the first to ask ends it.
    if decide(one).reason not in {Reason.ALLOWED, Reason.NO_REQUIREMENT}:
        assert decide(stricter).outcome != Outcome.ALLOW


@given(facts)
def test_a_forbid_is_never_overruled(one: Facts) -> None:
    forbidden = replace(one, forbids=(*one.forbids, Forbid(source="policy:freeze", because="Year end.")))
    assert decide(forbidden).outcome == Outcome.DENY


@given(facts)
def test_a_fault_is_never_overruled(one: Facts) -> None:
    assert decide(replace(one, faults=("risk",))).reason == Reason.FACTS_UNAVAILABLE


@given(facts, proofs)
def test_a_further_proof_never_turns_an_allow_into_a_refusal(one: Facts, proof: object) -> None:
    if one.session is None or decide(one).outcome != Outcome.ALLOW:
        return
    event("allowed before")
    session = replace(one.session, proofs=(*one.session.proofs, proof))
    assert decide(replace(one, session=session)).outcome == Outcome.ALLOW


@given(facts, st.data())
def test_taking_away_what_speaks_for_it_never_turns_a_refusal_into_an_allow(one: Facts, data: st.DataObject) -> None:
    if decide(one).outcome == Outcome.ALLOW:
        return
    less = [
        replace(one, tenant=None),
        replace(one, member=None),
        replace(one, action=None),
        replace(one, service=None),
        replace(one, entitlement=None),
        replace(one, privileges=()),
        replace(one, environment=None),
        replace(one, session=None),
        replace(one, approvals=0),
        replace(one, usage=None),
        replace(one, unlocks=()),
    ]
    if one.session is not None and one.session.proofs:
        kept = data.draw(st.sets(st.sampled_from(range(len(one.session.proofs)))))
        chosen = tuple(one.session.proofs[index] for index in sorted(kept))
        less.append(replace(one, session=replace(one.session, proofs=chosen)))
    for fewer in less:
        assert decide(fewer).outcome != Outcome.ALLOW


@given(facts, st.sampled_from(list(EnvironmentSensitivity)))
def test_a_more_sensitive_environment_never_turns_a_refusal_into_an_allow(
    one: Facts, least: EnvironmentSensitivity
) -> None:
    if decide(one).outcome == Outcome.ALLOW:
        return
    declared = one.environments or {name: name for name in EnvironmentSensitivity}
    raised = {name: max(said, least, key=lambda one: one.rank) for name, said in declared.items()}
    assert decide(replace(one, environments=raised)).outcome != Outcome.ALLOW


@given(facts, st.sampled_from(["account:olga", None, 0, False]))
def test_who_acts_as_another_is_asked_for_nothing_and_let_into_nothing_more(one: Facts, by: object) -> None:
    if one.session is None:
        return
    borrowed = decide(replace(one, session=replace(one.session, impersonated_by=by)))
    assert borrowed.outcome != Outcome.STEP_UP
    assert {need.kind for need in borrowed.needs} <= {NeedKind.UPGRADE, NeedKind.WAIT}
    if borrowed.outcome == Outcome.ALLOW:
        event("allowed to support")
        assert decide(one).outcome == Outcome.ALLOW
        assert borrowed.requirement is not None
        assert borrowed.requirement.approvals == 0


@given(st.dictionaries(st.sampled_from([*EnvironmentSensitivity, "unheard"]), requirements, min_size=1))
def test_each_environment_asks_at_least_what_every_lesser_one_does(asked: dict[str, Requirement]) -> None:
    joined = [
        join([Contribution(source=name, requirement=one) for name, one in asked_in(sensitivity, asked)])
        for sensitivity in (*EnvironmentSensitivity, None)
    ]
    for lesser, greater in pairwise(joined):
        assert lesser is not None, "where anything is asked, something is asked everywhere"
        assert greater is not None
        assert greater.is_at_least(lesser)


@given(facts)
def test_without_tenant_member_or_session_a_person_is_never_allowed(one: Facts) -> None:
    assert decide(replace(one, tenant=None)).outcome == Outcome.DENY
    assert decide(replace(one, action=None)).outcome == Outcome.DENY
    if one.caller == "person":
        for missing in (
            replace(one, member=None),
            replace(one, session=None),
            replace(one, privileges=()),
            replace(one, member=MemberFact(roles=("analyst",), is_active=False)),
        ):
            assert decide(missing).outcome == Outcome.DENY


@given(facts)
def test_nothing_to_show_and_nothing_enrolled_is_never_satisfied(one: Facts) -> None:
    if one.session is None or one.caller == "service":
        return
    bare = replace(one, session=replace(one.session, proofs=(), enrolled=()))
    decision = decide(bare)
    assert decision.outcome != Outcome.ALLOW
    assert all(need.methods == () for need in decision.needs)


@given(facts, st.integers(0, 1000))
def test_before_next_change_at_time_alone_changes_nothing(one: Facts, part: int) -> None:
    one = _in_use(one, AT)
    decision = decide(one)
    if decision.next_change_at is None:
        later = AT + timedelta(days=40 * part)
    else:
        assert decision.next_change_at > AT
        event("an instant is named")
        span = decision.next_change_at - AT - timedelta.resolution
        later = AT + span * part / 1000
    assert _answer(decide(_in_use(one, later))) == _answer(decision)


def _in_use(one: Facts, at: object) -> Facts:
    """Move the question to ``at``, in a session used just then: inactivity is apart, since use prolongs it."""
    if one.session is None:
        return replace(one, at=at)
    activity = replace(one.session.activity, last_seen_at=at)
    return replace(one, at=at, session=replace(one.session, activity=activity))


@given(facts)
def test_facts_and_decision_survive_their_json(one: Facts) -> None:
    again = msgspec.json.decode(msgspec.json.encode(one), type=Facts)
    assert again == one
    decision = decide(one)
    assert decide(again) == decision
    assert msgspec.json.decode(msgspec.json.encode(decision), type=Decision) == decision


@given(facts)
def test_a_display_answer_permits_nothing(one: Facts) -> None:
    assert not decide(replace(one, purpose=Purpose.DISPLAY)).is_allowed


@pytest.mark.parametrize("purpose", list(Purpose))
def test_only_asking_to_enforce_is_enforceable(purpose: Purpose) -> None:
    one = Facts(at=AT, subject=("user", "alice"), action_name="x", resource=("a", "b"), binding="", purpose=purpose)
    assert decide(one).is_enforceable == (purpose == Purpose.ENFORCE)
