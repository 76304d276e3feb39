"""The bundle that is shipped is good, and its cases notice whatever becomes of any of its rules."""

import json
from datetime import date
from pathlib import Path

import pytest

from tests.policy.weakened import Said, let_off, list_rules, weaken
from tiergate.policy import Bundle, BundleRefused, compile_bundle, try_bundle
from tiergate.policy.cases import read_cases
from tiergate.policy.folder import read_folder
from tiergate.policy.formatting import format_file
from tiergate.policy.nodes import to_text
from tiergate.policy.proving import Outcome, Report, read_invariants, verify
from tiergate.policy.trying import try_cases

FOLDER = Path(__file__).resolve().parents[2] / "policies"
FILES = read_folder(FOLDER)
RULES = list_rules(FILES)
SHIPPED = compile_bundle(FILES)
CASES = read_cases(SHIPPED)
TODAY = date(2026, 11, 2)


def _with_one_changed(name: str, changed: Said | None) -> Bundle:
    """Make the bundle with one rule changed; the others are compiled once, since there are hundreds of changes."""
    alone = {"bundle.yaml": FILES["bundle.yaml"], "rules/one.yaml": json.dumps([] if changed is None else [changed])}
    others = [one for one in SHIPPED.rules.values() if one.id != name]
    return Bundle(SHIPPED.about, [*others, *compile_bundle(alone).rules.values()], SHIPPED.invariants, (), None)


def _verify(bundle: Bundle) -> Report:
    return verify(bundle, today=TODAY, base=SHIPPED)


def _is_noticed(bundle: Bundle) -> bool:
    """Say whether a changed bundle fails one of the cases, or breaks a promise with a request that it is asked about."""
    if any(try_cases(bundle, [case]).failed for case in CASES):
        return True
    return any(one.outcome == Outcome.REFUTED for one in _verify(bundle).findings)


def test_it_is_good_and_every_rule_is_tried() -> None:
    trial = try_bundle(SHIPPED)
    assert (trial.failed, trial.untried, trial.waived) == ((), (), ())


def test_it_is_laid_out() -> None:
    assert {path: format_file(path, text) for path, text in FILES.items()} == FILES


def test_its_readme_names_every_rule_and_every_promise_and_no_other() -> None:
    text = (FOLDER / "README.md").read_text()
    rows = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    promised = [one.id for one in read_invariants(SHIPPED)]
    assert sorted(rows) == sorted([*(one["id"] for one in RULES), *promised])


@pytest.mark.parametrize("number", range(len(RULES)), ids=[one["id"] for one in RULES])
def test_its_cases_notice_when_a_rule_is_deleted_or_says_something_else(number: int) -> None:
    unnoticed, tried = [], 0
    for done, changed in weaken(RULES[number]):
        try:
            other = _with_one_changed(RULES[number]["id"], changed)
        except BundleRefused:
            # What the change made is no condition: it is noticed before anything is tried.
            continue
        tried += 1
        if not any(try_cases(other, [case]).failed for case in CASES):
            unnoticed.append(done)
    assert (tried > 2, unnoticed) == (True, [])


def test_all_that_it_promises_is_proved_and_nothing_is_waived() -> None:
    found = _verify(SHIPPED).findings
    assert [one.invariant.id for one in found if one.outcome != Outcome.PROVED or one.reason] == []
    assert [one.invariant.id for one in found if one.invariant.waiver is not None] == []


def test_each_promise_says_something_that_no_rules_would_not_keep() -> None:
    nothing = Bundle(SHIPPED.about, [], SHIPPED.invariants, (), None)
    kept = [one.invariant.id for one in _verify(nothing).findings if one.outcome != Outcome.REFUTED]
    # Where nothing is asked anybody can meet it.
    assert kept == ["a-passkey-does-but-for-secrets-of-production", "somebody-can-meet-whatever-is-asked"]


def test_one_role_that_is_let_off_a_rule_is_shown_by_a_proof() -> None:
    changed = dict(let_off(next(one for one in RULES if one["id"] == "export-in-production")))
    other = _with_one_changed("export-in-production", changed["one role"])
    kept = [one for one in other.invariants if to_text(one.get("id")) == "exports-take-a-second-factor"]
    (found,) = verify(Bundle(other.about, list(other.rules.values()), kept, (), None), today=TODAY).findings
    assert found.outcome == Outcome.REFUTED
    assert found.counterexample is not None
    assert "breakglass" in (found.counterexample.subject.roles or ())


@pytest.mark.storm
@pytest.mark.parametrize("number", range(len(RULES)), ids=[one["id"] for one in RULES])
def test_a_rule_that_is_deleted_is_noticed_by_proofs_alone_and_one_who_is_let_off_by_cases_or_proofs(
    number: int,
) -> None:
    name = RULES[number]["id"]
    without = _verify(_with_one_changed(name, None))
    assert any(one.outcome == Outcome.REFUTED for one in without.findings)
    unnoticed = [done for done, said in let_off(RULES[number]) if not _is_noticed(_with_one_changed(name, said))]
    assert unnoticed == []
