"""What a proof shows against a bundle is no word about it: the decision itself lets that very request through.

Each way round is planted in the shipped bundle, as an edit of one rule that no case need notice.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.kernel.case_vocabulary import NINE, facts_of
from tiergate import (
    Circumstances,
    Entitlement,
    EnvironmentSensitivity,
    Facts,
    FeatureKind,
    Level,
    MemberFact,
    Outcome,
    Requirement,
    decide,
)
from tiergate.policy import Bundle, Request, compile_bundle, request_of, with_bundle
from tiergate.policy.folder import read_folder
from tiergate.policy.nodes import to_text
from tiergate.policy.proving import Outcome as Found
from tiergate.policy.proving import verify

FILES = read_folder(Path(__file__).resolve().parents[2] / "policies")
SHIPPED = compile_bundle(FILES)
PROMISE = "exports-take-a-second-factor"
PROMISED = Requirement(level=Level.AAL2, max_age=900)
# The condition of the rule that keeps it.
KEPT = 'environment.sensitivity == "production" && !subject.is_service'
PLANTED = {
    "a role": KEPT + ' && !("breakglass" in subject.roles)',
    "a beginning of roles": KEPT + ' && !subject.roles.exists(role, role.startsWith("svc-"))',
    "a person": KEPT + ' && subject.id != "root"',
    "an hour": KEPT + " && time.hour != 3",
    "a place": KEPT + ' && !(origin.is_located && origin.country == "ZZ")',
    "a low risk": KEPT + " && risk.score >= 0.015625",
    "a plan": KEPT + ' && !("legacy" in plan.keys)',
    "whoever has shown a password of late": KEPT + " && !(assurance.level == 1 && assurance.age < 60)",
    "a name of an environment": KEPT + ' && environment.name != "prod-2"',
}


def _planted(when: str) -> Bundle:
    """Make the shipped bundle with another condition in that rule, and with that promise alone."""
    files = {
        path: text.replace(
            f"when: {KEPT}\n  require: {{level: aal2, max_age: 900}}\n  because: What leaves",
            f"when: '{_quoted(when)}'\n  require: {{level: aal2, max_age: 900}}\n  because: What leaves",
        )
        for path, text in FILES.items()
    }
    assert files != FILES
    made = compile_bundle(files)
    kept = [one for one in made.invariants if to_text(one.get("id")) == PROMISE]
    return Bundle(made.about, list(made.rules.values()), kept, (), None)


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _facts(request: Request) -> Facts:
    """Give the facts of a person who asks just so; what is not told is ordinary.

    Their second factor was half an hour ago, which is too long for what is promised; unless the request tells of none.
    """
    second = [] if request.assurance.level == 1 else [{"totp": "30m ago"}]
    ordinary = facts_of({"session": {"proofs": [{"password": "1h ago"}, *second]}})
    assert ordinary.action is not None
    assert ordinary.session is not None
    assert request.action.name is not None
    at = request.time.now or NINE
    shown = [replace(one, at=one.at + (at - NINE)) for one in ordinary.session.proofs]
    if not second:
        shown = [replace(one, at=at - timedelta(seconds=request.assurance.age or 0)) for one in shown]
    feature = request.action.feature or None
    licence = None
    if feature is not None:
        sensitivity = request.action.sensitivity
        licence = Entitlement(feature=feature, kind=FeatureKind.SWITCH, sensitivity=sensitivity, is_granted=True)
    return replace(
        ordinary,
        at=at,
        action_name=request.action.name,
        action=replace(ordinary.action, name=request.action.name, feature=feature),
        entitlement=licence,
        subject=(request.subject.type or "user", request.subject.id or "alice"),
        member=MemberFact(roles=request.subject.roles or (), is_active=True),
        environment=request.environment.name or "somewhere",
        environments={request.environment.name or "somewhere": EnvironmentSensitivity(request.environment.sensitivity)},
        session=replace(ordinary.session, proofs=tuple(shown), activity=ordinary.session.activity.seen(at)),
        circumstances=Circumstances(
            scopes=request.action.scopes or (),
            plans=request.plan.keys or (),
            risk_band=request.risk.band,
            risk_score=request.risk.score,
            has_transaction=request.transaction.is_present,
            transaction_type=request.transaction.type,
            transaction_amount=request.transaction.amount,
            transaction_currency=request.transaction.currency,
            country=request.origin.country,
            network_class=request.origin.network_class,
            is_known_device=request.device.is_known,
            zone=request.time.zone or "UTC",
            # An hour has its day; which of them it is no rule here minds.
            offset=0 if request.time.hour is None else (request.time.hour - at.hour) * 3600,
        ),
    )


def _is_within(said: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Say whether all that a request says is so."""
    return all(
        known.get(group, {}).get(name) == value for group, names in said.items() for name, value in names.items()
    )


@pytest.mark.parametrize("when", PLANTED.values(), ids=PLANTED)
def test_a_way_round_that_is_planted_is_shown_by_a_request_of_which_less_is_then_asked(when: str) -> None:
    planted = _planted(when)
    (found,) = verify(planted, today=date(2026, 11, 2)).findings
    assert found.outcome == Found.REFUTED, found.reason
    assert found.counterexample is not None
    facts = _facts(found.counterexample)
    shown = found.counterexample.to_json()
    known = request_of(facts)
    known = replace(known, time=replace(known.time, weekday=found.counterexample.time.weekday))
    assert _is_within(shown, known.to_json())
    decision = decide(with_bundle(facts, planted))
    # On a slow machine what is shown may be a request of which another rule asks something: it is less all the same.
    asked = decision.requirement
    assert asked is None or not asked.is_at_least(PROMISED), decision
    assert decision.is_allowed or decision.outcome == Outcome.STEP_UP
    assert facts.environments[facts.environment or ""] == EnvironmentSensitivity.PRODUCTION
    # The bundle as it was asks for a second factor there.
    before = decide(with_bundle(facts, SHIPPED))
    assert before.outcome == Outcome.STEP_UP
    assert before.requirement is not None
    assert before.requirement.is_at_least(PROMISED)
