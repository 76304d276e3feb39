"""What a bundle may hold is little enough for a server that compiles, tries and proves it while somebody waits."""

from datetime import date

import pytest

from tests.policy.bundles import bundle, refused, rule
from tiergate.policy import BundleRefused, limits, try_bundle
from tiergate.policy.proving import Outcome, verify

TODAY = date(2026, 11, 2)
CASES = "".join(
    f"- {{it: c{n}, given: {{action: {{name: a{n}, feature: '', scopes: []}}}}, want: {{outcome: forbids}}}}\n"
    for n in range(4)
)
PROMISE = "- {{id: i{0}, on: {{actions: ['**']}}, never_below: {{level: aal2}}, owner: security}}\n"


def test_all_files_hold_no_more_between_them_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_BUNDLE_NODES", 40)
    (one,) = refused(rule(), rules_b="- []\n" * 30)
    assert one.message == "a bundle holds no more than 40 things"


def test_conditions_have_so_many_characters_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    several = "".join(rule("subject.is_service", name=f"r{n}") for n in range(3))
    assert bundle(several).rules
    monkeypatch.setattr(limits, "MAX_CONDITIONS", 50)
    (one,) = refused(several)
    assert "at most 50 characters" in one.message


def test_cases_are_about_so_many_rules_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    made = bundle("".join(rule(name=f"r{n}") for n in range(5)), tests_a=CASES)
    assert len(try_bundle(made).cases) == 4
    monkeypatch.setattr(limits, "MAX_ASKED", 12)
    with pytest.raises(BundleRefused) as caught:
        try_bundle(made)
    assert (caught.value.errors[0].file, caught.value.errors[0].line) == ("tests/a.yaml", 3)


def test_a_bundle_promises_so_much_and_no_more() -> None:
    many = "".join(PROMISE.format(n) for n in range(limits.MAX_INVARIANTS + 1))
    (one,) = refused(rule(), invariants_a=many)
    assert "at most 200 invariants" in one.message


def test_what_is_not_proved_in_time_is_unproved_and_holds_nobody_up() -> None:
    made = bundle(rule(says="require: {level: aal2}"), invariants_a=PROMISE.format(0) + PROMISE.format(1))
    assert {one.outcome for one in verify(made, today=TODAY, within_s=60).findings} == {Outcome.PROVED}
    report = verify(made, today=TODAY, within_s=0)
    assert not report.is_accepted
    assert {(one.outcome, one.reason) for one in report.findings} == {
        (Outcome.UNPROVED, "there was no time left for it")
    }
