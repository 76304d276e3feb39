"""Every case of tests/cases/decisions.yaml is decided as it says, and together they show every answer."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kernel.case_vocabulary import CaseError, facts_of, instant, only
from tiergate import Decision, NeedKind, Outcome, Reason, Requirement, decide

CASES = Path(__file__).resolve().parents[1] / "cases" / "decisions.yaml"
WANTED = ("outcome", "reason", "needs", "methods", "requirement", "unlocks", "approvals", "until", "next_change")
WANTED_TOO = ("enforceable", "sources")


@cache
def _cases() -> list[Mapping[str, Any]]:
    rows = yaml.safe_load(CASES.read_text())
    for row in rows:
        only(row, "it", "given", "want")
        only(row["want"], *WANTED, *WANTED_TOO)
    return list(rows)


def _told(decision: Decision) -> dict[str, Any]:
    """Say of a decision what a case may ask about."""
    needs = {need.kind: need for need in decision.needs}
    asked = next((need for need in decision.needs if need.requirement is not None), None)
    return {
        "outcome": decision.outcome.value,
        "reason": decision.reason.value,
        "needs": [need.kind.value for need in decision.needs],
        "methods": [] if asked is None else [f"{one.method} by {one.issuer}" for one in asked.methods],
        "requirement": None if decision.requirement is None else decision.requirement.to_json(),
        "unlocks": [one.key for one in needs[NeedKind.UPGRADE].unlocks] if NeedKind.UPGRADE in needs else [],
        "approvals": needs[NeedKind.APPROVAL].approvals if NeedKind.APPROVAL in needs else 0,
        "until": needs[NeedKind.WAIT].until if NeedKind.WAIT in needs else None,
        "next_change": decision.next_change_at,
        "enforceable": decision.is_enforceable,
        "sources": [step.source for step in decision.trace],
    }


@pytest.mark.parametrize("case", _cases(), ids=lambda case: case["it"])
def test_it(case: Mapping[str, Any]) -> None:
    decision = decide(facts_of(case["given"] or {}))
    want = dict(case["want"])
    for key in ("until", "next_change"):
        if want.get(key) is not None:
            want[key] = instant(want[key])
    if want.get("requirement") is not None:
        want["requirement"] = Requirement.from_json(want["requirement"]).to_json()
    told = _told(decision)
    assert {key: told[key] for key in want} == want
    assert (told["outcome"] == "allow") == (told["needs"] == [] and told["reason"] == "allowed")


def test_there_are_enough_and_each_says_something_else() -> None:
    sentences = [case["it"] for case in _cases()]
    assert len(sentences) >= 80
    assert len(set(sentences)) == len(sentences)


def test_every_case_names_outcome_and_reason() -> None:
    for case in _cases():
        assert {"outcome", "reason"} <= set(case["want"]), case["it"]


# A broken fact cannot be written in the vocabulary: see test_broken_facts.py.
@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.INTERNAL_ERROR}))
def test_every_reason_has_a_case(reason: Reason) -> None:
    assert any(case["want"]["reason"] == reason for case in _cases())


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_a_case(outcome: Outcome) -> None:
    assert any(case["want"]["outcome"] == outcome for case in _cases())


@pytest.mark.parametrize("kind", list(NeedKind))
def test_every_kind_of_need_has_a_case(kind: NeedKind) -> None:
    assert any(kind in case["want"].get("needs", []) for case in _cases())


@pytest.mark.parametrize(
    "given",
    [
        {"sesion": {}},
        {"session": {"prooofs": []}},
        {"session": {"proofs": [{"topt": "5m ago"}]}},
        {"session": {"proofs": [{"totp": "5 minutes ago"}]}},
        {"session": {"proofs": [{"totp": "5m ago", "for": {"kind": "action", "acton": "x"}}]}},
        {"entitlement": {"plan": {"vlaue": True}}},
        {"contributions": [{"source": "role:x", "requirement": {"levl": "aal2"}}]},
    ],
)
def test_the_vocabulary_refuses_what_it_does_not_have(given: Mapping[str, Any]) -> None:
    with pytest.raises((CaseError, ValueError), match=r"unknown|no method|no span"):
        facts_of(given)
