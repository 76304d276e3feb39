"""Pitfall 11: what a caller leaves out, or says wrongly, takes no rule away; and rules only ever add."""

from typing import Any

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from tests.kernel.case_vocabulary import facts_of
from tests.kernel.strategies import facts as any_facts
from tests.policy.bundles import bundle, rule
from tiergate import Circumstances, Decision, Facts, Outcome, Reason, decide
from tiergate.policy import Bundle, request_of, with_bundle

RULES = bundle(
    rule("transaction.amount > 100000", name="amount", on="{actions: [reports.read]}", says="require: {level: aal2}")
    + rule(
        'risk.band in ["high", "unknown"]', name="risk", on="{actions: ['reports.*']}", says="require: {level: aal2}"
    )
    + rule('origin.country in ["KP"]', name="origin", on="{actions: ['reports.*']}")
    + rule("time.hour < 7", name="hours", on="{actions: [reports.read], scopes: ['night:*']}")
)
KNOWN = Circumstances(
    transaction_amount=5, risk_band="low", country="DE", zone="UTC", offset=0, scopes=("reports:read",)
)


def _decide(rules: Bundle, facts: Facts, context: Circumstances) -> Decision:
    return decide(with_bundle(replace(facts, circumstances=context), rules))


def test_what_is_known_and_harmless_is_allowed() -> None:
    assert _decide(RULES, facts_of({}), KNOWN).outcome == Outcome.ALLOW


@pytest.mark.parametrize(
    ("left_out", "answer", "by"),
    [
        ({"transaction_amount": None}, Reason.FORBIDDEN_BY_POLICY, "policy:amount"),
        ({"transaction_amount": "5"}, Reason.FORBIDDEN_BY_POLICY, "policy:amount"),
        ({"transaction_amount": True}, Reason.FORBIDDEN_BY_POLICY, "policy:amount"),
        ({"transaction_amount": 2**64}, Reason.FORBIDDEN_BY_POLICY, "policy:amount"),
        ({"risk_band": "unknown"}, Reason.STEP_UP_REQUIRED, "policy:risk"),
        ({"risk_band": "none"}, Reason.STEP_UP_REQUIRED, "policy:risk"),
        ({"country": None}, Reason.FORBIDDEN_BY_POLICY, "policy:origin"),
        ({"country": ["DE"]}, Reason.FORBIDDEN_BY_POLICY, "policy:origin"),
        ({"country": "\ud800"}, Reason.FORBIDDEN_BY_POLICY, "policy:origin"),
        ({"scopes": None, "zone": None}, Reason.FORBIDDEN_BY_POLICY, "policy:hours"),
        ({"scopes": "reports:read", "offset": None}, Reason.FORBIDDEN_BY_POLICY, "policy:hours"),
    ],
)
def test_to_leave_out_what_a_rule_reads_or_to_say_it_wrongly_is_no_way_round(
    left_out: dict[str, Any], answer: Reason, by: str
) -> None:
    decision = _decide(RULES, facts_of({}), replace(KNOWN, **left_out))
    assert (decision.is_allowed, decision.reason) == (False, answer)
    assert by in {step.source for step in decision.trace}


@pytest.mark.parametrize("broken", [{"offset": "x"}, {"offset": 10**12}, {"country": 5, "offset": 1.5e300}])
def test_facts_that_cannot_be_read_are_refused_by_the_policy_itself(broken: dict[str, Any]) -> None:
    at_night = ("reports:read", "night:read")
    assert _decide(RULES, facts_of({}), replace(KNOWN, scopes=at_night)).outcome == Outcome.ALLOW
    decision = _decide(RULES, facts_of({}), replace(KNOWN, scopes=at_night, **broken))
    assert (decision.reason, decision.trace[-1].source) == (Reason.FORBIDDEN_BY_POLICY, "policy")


@settings(max_examples=12)
@given(any_facts)
def test_no_rule_lets_anything_be_that_would_not_be_without_it(facts: Facts) -> None:
    for context in (KNOWN, Circumstances()):
        assert decide(facts).outcome == Outcome.ALLOW or _decide(RULES, facts, context).outcome != Outcome.ALLOW


def test_a_feature_that_nobody_named_is_no_way_round_a_rule_about_features() -> None:
    rules = bundle(rule(on="{features: [exports]}", name="exports"))
    unnamed = replace(request_of(facts_of({"action": "no.such"})))
    assert [one.source for one in rules.ask(unnamed).forbids] == ["policy:exports"]
    assert rules.ask(request_of(facts_of({}))).forbids == ()
