"""What is promised never to be lowered is compared with the bundle before, for every request there can be."""

from datetime import date

import pytest

from tests.policy.bundles import bundle, rule
from tests.policy.test_what_a_bundle_promises_is_proved import AAL2, EXPORTS, PRODUCTION, WAIVED, invariant
from tiergate import join
from tiergate.policy import Bundle
from tiergate.policy.proving import Finding, Outcome, Report, verify

TODAY = date(2026, 11, 2)
LOWERED = invariant(says="never_lowered: true")
LONG = 'subject.id.matches("^svc-[0-9]+$")'


def compare(before: str, after: str, promise: str = LOWERED) -> Finding:
    base, candidate = bundle(before, invariants_a=promise), bundle(after, invariants_a=promise)
    found = verify(candidate, today=TODAY, base=base).findings
    assert len(found) == 1
    if found[0].counterexample is not None:
        assert _is_lowered(base, candidate, found[0])
    return found[0]


def _is_lowered(base: Bundle, candidate: Bundle, found: Finding) -> bool:
    """Ask both bundles about the request that is shown."""
    assert found.counterexample is not None
    before, after = base.ask(found.counterexample), candidate.ask(found.counterexample)
    least, asked = join(before.contributions), join(after.contributions)
    is_less = least is not None and (asked is None or not asked.is_at_least(least))
    return not after.forbids and (bool(before.forbids) or is_less)


PRODUCTION_ASKS = rule(PRODUCTION, says="require: {level: aal2, max_age: 900}")
KEPT = {
    "nothing is changed": (PRODUCTION_ASKS, PRODUCTION_ASKS),
    "it asks for more": (PRODUCTION_ASKS, rule(says="require: {level: aal3, max_age: 60}")),
    "two rules share it": (
        PRODUCTION_ASKS,
        rule(says="require: {max_age: 900}") + rule(PRODUCTION, name="b", says=AAL2),
    ),
    "it forbids instead": (PRODUCTION_ASKS, rule()),
    "what forbade cannot be judged": (
        rule("transaction.amount > 5"),
        rule("transaction.amount > 5 || !device.is_known"),
    ),
    "elsewhere it asks for less": (rule(says=AAL2), rule(PRODUCTION, says=AAL2)),
    "another action is let go": (PRODUCTION_ASKS + rule(name="b", on="{actions: [a.b]}"), PRODUCTION_ASKS),
    "a condition out of reach stays": (rule(LONG, says=AAL2), rule(LONG + " ? true : device.is_known", says=AAL2)),
    "a condition out of reach is split": (
        rule(says=AAL2),
        rule(LONG, says=AAL2) + rule(f"!({LONG})", name="b", says=AAL2) + rule(f"{LONG} || true", name="c", says=AAL2),
    ),
}


@pytest.mark.parametrize(("before", "after"), KEPT.values(), ids=KEPT)
def test_what_is_asked_at_least_as_before_is_proved(before: str, after: str) -> None:
    found = compare(before, after)
    assert (found.outcome, found.reason) == (Outcome.PROVED, "")


FELL = {
    "the rule is gone": (PRODUCTION_ASKS, "[]\n"),
    "it asks for less": (PRODUCTION_ASKS, rule(PRODUCTION, says="require: {level: aal2, max_age: 901}")),
    "it asks for another thing": (PRODUCTION_ASKS, rule(PRODUCTION, says="require: {level: aal3, approvals: 2}")),
    "it asks where it forbade": (rule(PRODUCTION), rule(PRODUCTION, says="require: {level: aal3, approvals: 10}")),
    "one is let off": (PRODUCTION_ASKS, rule(PRODUCTION + ' && subject.id != "root"', says="require: {level: aal3}")),
    "what could not be judged is passed over": (
        rule("transaction.amount > 5"),
        rule("transaction.is_present && transaction.amount > 5"),
    ),
    "it asks for nothing more than anything": (rule(says="require: {level: aal1}"), rule("device.is_known", says=AAL2)),
    "a glob is narrowed": (rule(on="{actions: ['data.**']}", says=AAL2), rule(on="{actions: ['data.*.*']}", says=AAL2)),
}


@pytest.mark.parametrize(("before", "after"), FELL.values(), ids=FELL)
def test_what_is_lowered_is_shown_by_a_request_that_both_bundles_are_asked_about(before: str, after: str) -> None:
    found = compare(before, after)
    assert found.outcome == Outcome.REFUTED, found.reason
    assert "those before" in found.reason


def test_what_cannot_be_told_is_not_proved() -> None:
    found = compare(rule(LONG, says=AAL2), rule(LONG.replace("9", "8"), says=AAL2))
    assert (found.outcome, "out of reach: one (matches)" in found.reason) == (Outcome.UNPROVED, True)


def test_with_nothing_before_it_is_proved_and_says_that_there_was_nothing() -> None:
    found = verify(bundle("[]\n", invariants_a=LOWERED), today=TODAY).findings[0]
    assert (found.outcome, found.reason) == (Outcome.PROVED, "there is no bundle before it to compare with")
    about_nothing = invariant("device.is_known && !device.is_known", says="never_lowered: true")
    assert verify(bundle("[]\n", invariants_a=about_nothing), today=TODAY).findings[0].outcome == Outcome.UNPROVED


def _after(before: str, after: str, rules: str) -> Report:
    base = bundle(PRODUCTION_ASKS, invariants_a=before)
    return verify(bundle(rules, invariants_a=after), today=TODAY, base=base)


def test_a_promise_and_what_it_kept_are_not_taken_away_in_one_step() -> None:
    both = _after(LOWERED, "[]\n", "[]\n")
    assert [(one.outcome, one.is_of_base, one.is_accepted) for one in both.findings] == [(Outcome.REFUTED, True, False)]
    # Narrowed it is another promise; renamed or given to others it is the same.
    narrowed = _after(LOWERED, LOWERED.replace("production", "staging"), "[]\n")
    assert [(one.outcome, one.is_of_base) for one in narrowed.findings] == [
        (Outcome.PROVED, False),
        (Outcome.REFUTED, True),
    ]
    renamed = _after(LOWERED, LOWERED.replace("promise", "other").replace("security", "others"), PRODUCTION_ASKS)
    assert [(one.invariant.id, one.is_of_base) for one in renamed.findings] == [("other", False)]
    assert _after("[]\n", "[]\n", "[]\n").is_accepted


def test_a_waiver_written_with_the_change_is_of_no_use_to_what_was_promised_before() -> None:
    own = LOWERED + WAIVED
    report = _after(LOWERED, own, "[]\n")
    assert [one.outcome for one in report.findings] == [Outcome.REFUTED]
    assert not report.is_accepted


def test_nor_is_it_where_the_change_puts_the_rule_out_of_reach() -> None:
    # Z3 takes any answer for what is out of reach, and the bundle confirms none of them: unproved, not refuted.
    hidden = rule(PRODUCTION + ' && !environment.name.matches("^p")', says="require: {level: aal2, max_age: 900}")
    report = _after(LOWERED, LOWERED + WAIVED, hidden)
    assert [(one.outcome, one.waiver) for one in report.findings] == [(Outcome.UNPROVED, None)]
    assert "its waiver is new" in report.findings[0].reason
    assert not report.is_accepted
    # Waived while it holds, in a change that says so, it is waived for the next one.
    assert _after(LOWERED, LOWERED + WAIVED, PRODUCTION_ASKS).is_accepted
    assert _after(LOWERED + WAIVED, LOWERED + WAIVED, hidden).is_accepted


def test_it_is_about_what_it_is_about_alone() -> None:
    assert EXPORTS in LOWERED
    other, both = "{actions: [data.import]}", "{actions: ['data.*']}"
    assert compare(rule(on=other, says=AAL2), "[]\n").outcome == Outcome.PROVED
    assert compare(rule(on=both, says=AAL2), rule(on=other, says=AAL2)).outcome == Outcome.REFUTED
    # What is no action at all is refused before any rule is asked.
    named = invariant('action.name != "data.import"', on="{actions: ['**']}", says="never_lowered: true")
    assert compare(rule(on=other, says=AAL2), "[]\n", named).outcome == Outcome.PROVED
