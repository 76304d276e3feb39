"""What the bundle before promises, this one promises too, or somebody says in it, until a day, that it does not."""

from datetime import date

import pytest

from tests.policy.bundles import bundle, rule
from tests.policy.test_what_a_bundle_asked_is_not_lowered import LOWERED, PRODUCTION_ASKS
from tests.policy.test_what_a_bundle_promises_is_proved import EXPORTS, PRODUCTION, TODAY, invariant
from tiergate.policy import BundleRefused
from tiergate.policy.proving import Report, given_up_by, read_invariants, verify

BELOW = invariant()
FORBIDDEN = invariant(says="forbidden: true")
WITHIN_REACH = invariant(says="satisfiable_by: [totp, passkey]")
WORD = "- id: promise\n  given_up: {owner: security, until: 2026-11-02, because: Nobody exports any more.}\n"
FORBIDS = rule(on=EXPORTS)


def after(before: str, promises: str, rules: str, *, today: date = TODAY) -> Report:
    base = bundle(PRODUCTION_ASKS + rule(name="b", on="{actions: [a.b]}"), invariants_a=before)
    return verify(bundle(rules, invariants_a=promises), today=today, base=base)


DROPPED = {"never_below": BELOW, "forbidden": FORBIDDEN, "satisfiable_by": WITHIN_REACH, "never_lowered": LOWERED}


@pytest.mark.parametrize("before", DROPPED.values(), ids=DROPPED)
def test_a_promise_that_is_dropped_without_a_word_fails_the_change(before: str) -> None:
    for rules in (PRODUCTION_ASKS, "[]\n"):
        report = after(before, "[]\n", rules)
        assert not report.is_accepted
        assert [(one.promise.id, one.reason) for one in report.given_up] == [("promise", "nobody says so")]


@pytest.mark.parametrize("before", DROPPED.values(), ids=DROPPED)
def test_by_somebodys_word_it_goes_and_the_word_is_told(before: str) -> None:
    report = after(before, WORD, PRODUCTION_ASKS)
    assert report.is_accepted
    (gone,) = report.given_up
    assert gone.word is not None
    assert (gone.promise.id, gone.word.owner, gone.word.because) == ("promise", "security", "Nobody exports any more.")


def test_a_word_that_is_over_counts_no_more() -> None:
    report = after(BELOW, WORD, "[]\n", today=date(2026, 11, 3))
    assert not report.is_accepted
    assert report.given_up[0].reason == "the word of security for it was over on 2026-11-02"


def test_a_word_for_one_promise_is_none_for_another() -> None:
    assert not after(BELOW, WORD.replace("promise", "other"), "[]\n").is_accepted
    both = after(BELOW + invariant(name="other", says="forbidden: true"), WORD, "[]\n")
    assert [(one.promise.id, one.is_accepted) for one in both.given_up] == [("other", False), ("promise", True)]


def test_what_was_never_to_be_lowered_is_not_lowered_by_the_change_that_gives_it_up() -> None:
    assert not after(LOWERED, WORD, "[]\n").is_accepted
    assert after(LOWERED, WORD, PRODUCTION_ASKS).is_accepted
    assert after(WORD, "[]\n", "[]\n").is_accepted, "in the next one it is"


KEPT = {
    "the same": (BELOW, BELOW),
    "by another name, of another owner": (BELOW, BELOW.replace("promise", "other").replace("security", "others")),
    "of a higher level": (BELOW, invariant(says="never_below: {level: aal3}")),
    "of more besides": (BELOW, invariant(says="never_below: {level: aal2, max_age: 60}")),
    "always": (BELOW, invariant(None)),
    "of more actions": (BELOW, invariant(on="{actions: [data.import, data.export]}")),
    "of whatever feature": (invariant(on="{actions: [data.export], features: [a]}"), BELOW),
    "forbidden altogether": (BELOW, FORBIDDEN),
    "within the reach of one factor": (WITHIN_REACH, invariant(says="satisfiable_by: [passkey]")),
}


@pytest.mark.parametrize(("before", "promises"), KEPT.values(), ids=KEPT)
def test_what_plainly_says_as_much_gives_nothing_up(before: str, promises: str) -> None:
    assert given_up_by(bundle(rule(), invariants_a=promises), bundle(rule(), invariants_a=before), today=TODAY) == ()


WEAKER = {
    "of a lower level": (BELOW, invariant(says="never_below: {level: aal1, max_age: 60}")),
    "under another condition": (BELOW, invariant("device.is_known")),
    "only under a condition": (invariant(None), BELOW),
    "of other actions": (BELOW, invariant(on="{actions: [data.import]}")),
    "of one feature alone": (BELOW, invariant(on="{actions: [data.export], features: [a]}")),
    "of a scope instead": (BELOW, invariant(on="{scopes: ['data:*']}")),
    "of a level instead of forbidden": (FORBIDDEN, invariant(says="never_below: {level: aal3}")),
    "not lowered instead of asked": (BELOW, LOWERED),
    "asked instead of not lowered": (LOWERED, BELOW),
    "within the reach of one more": (invariant(says="satisfiable_by: [passkey]"), WITHIN_REACH),
    "of a level instead of within reach": (WITHIN_REACH, BELOW),
}


@pytest.mark.parametrize(("before", "promises"), WEAKER.values(), ids=WEAKER)
def test_what_says_less_or_something_else_gives_it_up(before: str, promises: str) -> None:
    found = given_up_by(bundle(rule(), invariants_a=promises), bundle(rule(), invariants_a=before), today=TODAY)
    assert [one.promise.id for one in found] == ["promise"]


def test_with_nothing_before_nothing_is_given_up() -> None:
    assert given_up_by(bundle(rule()), None, today=TODAY) == ()
    report = verify(bundle(rule(), invariants_a=WORD), today=TODAY)
    assert (report.is_accepted, report.findings, report.given_up) == (True, (), ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WORD.replace("owner: security, ", ""), "what is given up needs 'owner'"),
        (WORD.replace("until: 2026-11-02, ", ""), "what is given up needs 'until'"),
        (WORD.replace(", because: Nobody exports any more.", ""), "what is given up needs 'because'"),
        (WORD.replace("2026-11-02", "soon"), "until is a day such as"),
        (WORD.replace("owner: security", "whose: mine, owner: security"), "unknown member 'whose'"),
        (WORD + "  forbidden: true\n", "unknown member 'forbidden'"),
        (WORD.replace("- id: promise\n  given_up", "- given_up"), "a promise that is given up needs an id"),
        ("- id: promise\n  given_up: true\n", "what is given up is a mapping"),
        (WORD + BELOW, "there is an invariant 'promise' already"),
        (BELOW + WORD, "there is an invariant 'promise' already"),
    ],
)
def test_a_word_that_is_none_is_refused_where_it_stands(text: str, message: str) -> None:
    with pytest.raises(BundleRefused) as caught:
        read_invariants(bundle(rule(), invariants_a=text))
    assert any(one.message.startswith(message) and one.line > 0 for one in caught.value.errors)
    assert PRODUCTION in BELOW
