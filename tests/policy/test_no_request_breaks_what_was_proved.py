"""Whatever bundle and promise: where one is proved, no request that is tried breaks it, and one that is shown does."""

from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.policy.bundles import bundle, rule
from tests.policy.test_proofs_read_conditions_as_they_are_asked import ATOMS, CONDITIONS, ONES, requests
from tests.policy.test_what_a_bundle_promises_is_proved import invariant
from tiergate import Requirement, join
from tiergate.policy import Bundle, Request
from tiergate.policy.proving import Outcome, verify
from tiergate.policy.proving.factors import is_good_for

pytestmark = pytest.mark.storm
type Rule = tuple[dict[str, list[str]], str | None, str]
ANYWHERE = {"actions": ["**"]}
TODAY = date(2026, 11, 2)
SAYS = [
    "forbid: true",
    "require: {level: aal2}",
    "require: {level: aal3, max_age: 60}",
    "require: {device_bound: true}",
]
PROMISED = ["never_below: {level: aal2}", "never_lowered: true", "forbidden: true", "satisfiable_by: [passkey]"]
TARGETS = ONES.filter(lambda one: any(one.values())).map(lambda one: {name: of for name, of in one.items() if of})


@st.composite
def pairs(draw: st.DrawFn) -> list[Rule]:
    """Make two rules that share what they ask by a condition, now and then not quite."""
    when, says = draw(st.sampled_from(ATOMS)), draw(st.sampled_from(SAYS))
    other = draw(
        st.sampled_from([f"!({when})", f"!({when})", f"({when}) ? false : true", draw(st.sampled_from(ATOMS))])
    )
    return [
        (ANYWHERE, when, says),
        (draw(st.just(ANYWHERE) | TARGETS), other, draw(st.sampled_from([says, says, *SAYS]))),
    ]


RULES = pairs() | st.lists(st.tuples(TARGETS, st.none() | CONDITIONS, st.sampled_from(SAYS)), max_size=4)


def _write(rules: Sequence[Rule]) -> str:
    texts = [rule(when, name=f"r{at}", on=str(on), says=says) for at, (on, when, says) in enumerate(rules)]
    return "".join(texts) or "[]\n"


def _is_broken(promise: str, made: Bundle, base: Bundle, about: Bundle, request: Request) -> bool:
    """Say whether a request breaks a promise: asked of the bundles alone, of whatever it is about."""
    judged = made.ask(request)
    if judged.forbids or not about.ask(request).forbids:
        return False
    asked, before = join(judged.contributions), base.ask(request)
    is_named = bool(request.action.name) and request.action.feature is not None
    if promise.startswith("forbidden"):
        return True
    if promise.startswith("never_below"):
        return asked is None or not asked.is_at_least(Requirement.from_json({"level": "aal2"}))
    if promise.startswith("satisfiable"):
        return is_named and asked is not None and not is_good_for("passkey", asked)
    least = join(before.contributions)
    is_less = least is not None and (asked is None or not asked.is_at_least(least))
    return is_named and (bool(before.forbids) or is_less)


@settings(max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(
    rules=RULES,
    others=RULES,
    is_more=st.booleans(),
    promise=st.sampled_from(PROMISED),
    when=st.none() | st.sampled_from(ATOMS) | CONDITIONS,
    on=TARGETS | st.just(ANYWHERE),
    tried=st.lists(requests(), min_size=5, max_size=25),
)
def test_what_is_proved_holds_and_what_is_shown_breaks_it(
    *,
    rules: list[Rule],
    others: list[Rule],
    is_more: bool,
    promise: str,
    when: str | None,
    on: dict[str, list[str]],
    tried: list[Request],
) -> None:
    promised = invariant(when, says=promise, on=str(on))
    # The bundle before is another, or this one with less: half of all would else be lowered.
    made = bundle(_write(rules), invariants_a=promised)
    base = bundle(_write(rules[:-1] if is_more else others))
    about = bundle(rule(when, on=str(on)))
    (found,) = verify(made, today=TODAY, base=base, timeout_ms=5_000).findings
    if found.outcome == Outcome.REFUTED:
        assert found.counterexample is not None
        assert _is_broken(promise, made, base, about, found.counterexample)
    broken = [one for one in tried if _is_broken(promise, made, base, about, one)]
    assert not broken or found.outcome != Outcome.PROVED, broken[0]
