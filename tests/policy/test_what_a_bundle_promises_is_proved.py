"""What a bundle promises holds of every request, or a request is shown that the bundle itself lets break it."""

from datetime import date
from itertools import product

import pytest

from tests.policy.bundles import bundle, rule
from tiergate import Level, Requirement, Scope
from tiergate.policy import BundleRefused
from tiergate.policy.proving import FACTORS, Finding, Outcome, read_invariants, verify
from tiergate.policy.proving.factors import is_good_for

TODAY = date(2026, 11, 2)
AAL2 = "require: {level: aal2}"
EXPORTS = "{actions: [data.export]}"
PRODUCTION = 'environment.sensitivity == "production"'


def invariant(
    when: str | None = PRODUCTION,
    *,
    says: str = "never_below: {level: aal2}",
    on: str = EXPORTS,
    name: str = "promise",
) -> str:
    return rule(when, name=name, on=on, says=says).replace("  because: So it is.\n", "")


def find(rules: str, promise: str | None = None) -> Finding:
    found = verify(bundle(rules, invariants_a=promise or invariant()), today=TODAY).findings
    assert len(found) == 1
    return found[0]


PROVED = {
    "a rule that always asks": rule(says=AAL2),
    "a glob that covers it": rule(PRODUCTION, on="{actions: ['data.*']}", says="require: {level: aal3}"),
    "two rules that share it": rule(PRODUCTION + " && device.is_known", says=AAL2)
    + rule(PRODUCTION + " && !device.is_known", name="b", says=AAL2),
    "one of them forbids": rule(PRODUCTION + " && device.is_known", says=AAL2) + rule("!device.is_known", name="b"),
    "one that errs forbids": rule("transaction.amount > 5", says=AAL2)
    + rule("transaction.amount <= 5", name="b", says=AAL2),
    "every level, one by one": "".join(
        rule(f"assurance.level == {one}", name=f"r{one}", says=AAL2) for one in (0, 1, 2, 3)
    ),
    "some role or none": rule("subject.roles.exists(r, r.startsWith('a'))", says=AAL2)
    + rule("subject.roles.all(r, !r.startsWith('a'))", name="b", says=AAL2),
    "no role or a few": rule("size(subject.roles) > 3", says=AAL2)
    + rule("subject.roles.size() <= 3 ", name="b", says=AAL2),
    "numbers that meet": rule("transaction.is_present && transaction.amount / 100 >= 10", says=AAL2)
    + rule("!transaction.is_present || transaction.amount < 1000", name="b", says=AAL2),
    "a number that goes too far errs": rule("transaction.amount < 9223372036854775807", says=AAL2)
    + rule("transaction.amount + 1 == 0", name="b", says="require: {approvals: 1}"),
    "an error that nothing swallows": rule("!(transaction.amount > 5 && true)", says=AAL2)
    + rule("transaction.amount > 5 && true", name="b", says="require: {approvals: 1}")
    + rule("transaction.is_present && transaction.amount > 5", name="c", says=AAL2),
    "what is out of reach asks on top": rule(says=AAL2) + rule("subject.id.matches('^x')", name="b", says=AAL2),
    "what is not known is the worst": rule('risk.band == "unknown" || risk.band in ["low", "medium"]', says=AAL2)
    + rule('risk.band != "low" && risk.band in ["low", "high", "critical"]', name="b", says=AAL2),
}


@pytest.mark.parametrize("rules", PROVED.values(), ids=PROVED)
def test_a_promise_that_holds_is_proved(rules: str) -> None:
    found = find(rules)
    assert (found.outcome, found.reason, found.counterexample) == (Outcome.PROVED, "", None)


# How a rule that once held is got round: each leaves a door that a request is shown for.
BYPASSES = {
    "the rule is gone": rule(on="{actions: [data.import]}", says=AAL2),
    "it asks for less": rule(PRODUCTION, says="require: {level: aal1, max_age: 60}"),
    "a role is let off": rule(PRODUCTION + ' && !("admin" in subject.roles)', says=AAL2),
    "a role by its beginning": rule(PRODUCTION + ' && !subject.roles.exists(r, r.startsWith("svc-"))', says=AAL2),
    "services are let off": rule(PRODUCTION + " && !subject.is_service", says=AAL2),
    "a name is let off": rule(PRODUCTION + ' && subject.id != "root"', says=AAL2),
    "a known device": rule(PRODUCTION + " && !device.is_known", says=AAL2),
    "small amounts": rule(PRODUCTION + " && (transaction.is_present && transaction.amount > 5)", says=AAL2),
    "an edge between numbers": rule("risk.score < 0.5", says=AAL2) + rule("risk.score > 0.5", name="b", says=AAL2),
    "an hour is missed": rule("time.hour < 7 || time.hour > 7", says=AAL2),
    "only with a feature": rule(on="{actions: [data.export], features: ['**']}", says=AAL2),
    "only with a scope": rule(on="{actions: [data.export], scopes: ['data:*']}", says=AAL2),
    "an error is swallowed": rule("transaction.amount > 5 || true", says="require: {level: aal1}"),
    "the last second": rule('time.now < timestamp("2027-01-01T00:00:00Z")', says=AAL2),
    "an instant is missed": rule('time.now != timestamp("2027-01-01T00:00:00.25Z")', says=AAL2),
    "a remainder": rule("!transaction.is_present || transaction.amount % 7 != -3", says=AAL2),
    "an odd text": rule('resource.type != "a\\\\u{62}\\n\u00e9"', says=AAL2),
    "a conditional": rule('subject.type == "user" ? true : subject.type == "bot"', says=AAL2),
    "two roles at once": rule(
        "!(subject.roles.exists(r, size(r) == 3) && subject.roles.exists(r, size(r) == 4))", says=AAL2
    ),
    "a list is long": rule("size(plan.keys) < 200", says=AAL2),
    "three that are written out": rule("!['a', 'b', 'c'].all(one, one in plan.keys)", says=AAL2),
}


@pytest.mark.parametrize("rules", BYPASSES.values(), ids=BYPASSES)
def test_a_way_round_is_shown_by_a_request_that_the_bundle_lets_through(rules: str) -> None:
    found = find(rules)
    assert found.outcome == Outcome.REFUTED, found.reason
    assert found.counterexample is not None
    judged = bundle(rules).ask(found.counterexample)
    assert judged.forbids == ()
    assert all(not one.requirement.is_at_least(Requirement(level=Level.AAL2)) for one in judged.contributions)
    assert found.counterexample.environment.sensitivity == "production"
    assert found.counterexample.action.name == "data.export"


@pytest.mark.parametrize(
    ("asked", "gap"),
    [
        ("level: aal3", "level: aal2"),
        ("max_age: 900", "max_age: 901"),
        ("phishing_resistant: true", "level: aal3"),
        ("device_bound: true", "phishing_resistant: true"),
        ("scope: transaction", "scope: resource"),
        ("approvals: 2", "approvals: 1"),
    ],
)
def test_every_member_of_what_is_promised_is_proved(asked: str, gap: str) -> None:
    promise = invariant(None, says=f"never_below: {{{asked}}}")
    rest = rule(name="b", says="require: {level: aal2, max_age: 5000}")
    assert find(rule(says=f"require: {{{asked}}}") + rest, promise).outcome == Outcome.PROVED
    assert find(rule(says=f"require: {{{gap}}}") + rest, promise).outcome == Outcome.REFUTED


def test_what_is_not_translated_is_never_proved_and_says_so() -> None:
    for when in ("!subject.id.matches('^svc')", "subject.roles.exists_one(r, r == 'a')", "string(time.hour) != '7'"):
        found = find(rule(when, says=AAL2))
        assert found.outcome != Outcome.PROVED
        assert found.counterexample is not None or "out of reach: one (" in found.reason
    many = " && ".join(f"!subject.roles.exists(r, r.startsWith('{one}'))" for one in range(9))
    assert find(rule(many, says=AAL2)).outcome != Outcome.PROVED
    # Nine roles, none of them named: more than are told apart.
    sizes = " && ".join(f"subject.roles.exists(r, size(r) == {one})" for one in range(1, 10))
    assert find(rule(f"!({sizes})", says=AAL2)).outcome != Outcome.PROVED
    # Each of three roles asks whether it is in another list.
    each = " || ".join(f"!subject.roles.exists(r, size(r) == {one} && r in plan.keys)" for one in (3, 4, 5))
    assert find(rule(each, says=AAL2)).outcome != Outcome.PROVED
    # Characters that Z3 has not.
    odd = " || ".join(f"!('{one}' in subject.roles)" for one in "\U00030000\U00030001\U00030002")
    assert find(rule(odd, says=AAL2)).outcome != Outcome.PROVED
    # An invariant may be about anything that cannot be told.
    assert find(rule("device.is_known", says=AAL2), invariant("subject.id.matches('.')")).outcome != Outcome.PROVED


def test_what_takes_too_long_is_unproved() -> None:
    text = bundle(rule('subject.id.contains("a") && subject.id.endsWith("b")', says=AAL2), invariants_a=invariant())
    report = verify(text, today=TODAY, timeout_ms=1)
    assert report.findings[0].outcome != Outcome.PROVED
    assert not report.is_accepted


def test_a_promise_about_nothing_is_unproved() -> None:
    found = find(rule(says=AAL2), invariant("device.is_known && !device.is_known || risk.score > 1.0 == true"))
    assert (found.outcome, found.reason) == (Outcome.UNPROVED, "no request is found that it is about")


def test_where_it_is_not_known_what_is_asked_for_every_promise_is_about_it() -> None:
    found = find(rule('action.name != ""', says=AAL2), invariant(None, says="never_below: {level: aal2}"))
    assert found.outcome == Outcome.REFUTED
    assert found.counterexample is not None
    assert found.counterexample.action.name == ""


def test_a_promise_that_cannot_be_judged_is_about_the_request_and_says_what_is_not_known() -> None:
    asked = rule("transaction.is_present && transaction.amount > 5", says=AAL2)
    found = find(asked, invariant("transaction.amount > 5"))
    assert found.outcome == Outcome.REFUTED
    assert found.reason.endswith(", and promise cannot be judged: transaction.amount not known")
    assert find(asked, invariant("transaction.is_present && transaction.amount > 5")).outcome == Outcome.PROVED


def test_somebody_can_satisfy_what_is_asked() -> None:
    promise = invariant(None, says="satisfiable_by: [totp, passkey]")
    assert find(rule(says="require: {level: aal2, phishing_resistant: true}"), promise).outcome == Outcome.PROVED
    # Each by itself is met by one of them, both together by none.
    both = rule("device.is_known", says="require: {device_bound: true}") + rule(name="b", says=AAL2)
    found = find(both, promise)
    assert found.outcome == Outcome.REFUTED
    assert found.counterexample is not None
    assert found.counterexample.device.is_known
    assert find(both + rule("device.is_known", name="c"), promise).outcome == Outcome.PROVED
    assert find(both, promise.replace("totp", "security_key")).outcome == Outcome.PROVED


def test_what_is_forbidden_stays_so() -> None:
    promise = invariant("subject.is_impersonated", says="forbidden: true")
    assert find(rule("subject.is_impersonated"), promise).outcome == Outcome.PROVED
    assert find(rule("transaction.amount > 5") + rule("transaction.is_present", name="b"), promise).reason == ""
    for lets in (
        rule("subject.is_impersonated && !device.is_known"),
        rule(says="require: {level: aal3, approvals: 10}"),
    ):
        found = find(lets, promise)
        assert (found.outcome, found.reason.endswith(", and do not forbid it")) == (Outcome.REFUTED, True)
        assert found.counterexample is not None
        assert bundle(lets).ask(found.counterexample).forbids == ()


def test_of_what_is_no_action_nobody_need_be_able_to_satisfy_all_rules() -> None:
    apart = rule(on="{actions: [a.b]}", says="require: {device_bound: true}") + rule(name="b", on="{actions: [c.d]}")
    passkeys = invariant('action.name != "a.b"', on="{actions: ['**']}", says="satisfiable_by: [passkey]")
    assert find(apart, passkeys).outcome == Outcome.PROVED
    assert find(apart.replace("a.b", "a.*"), passkeys).outcome == Outcome.REFUTED


def test_a_factor_is_good_for_what_is_asked_together_where_it_is_for_each() -> None:
    all_of_them = [
        Requirement(level=level, phishing_resistant=resists, device_bound=bound, scope=scope)
        for level, resists, bound, scope in product(
            (Level.AAL1, Level.AAL2, Level.AAL3), (False, True), (False, True), (Scope.SESSION, Scope.TRANSACTION)
        )
    ]
    good = {(factor, one): is_good_for(factor, one) for factor in FACTORS for one in all_of_them}
    for factor in FACTORS:
        for one, other in product(all_of_them, repeat=2):
            assert good[factor, one | other] == (good[factor, one] and good[factor, other])


WAIVED = "  waiver: {owner: security, until: 2026-11-02, because: It is being rewritten.}\n"


def test_what_is_unproved_is_waived_until_a_day_and_what_is_refuted_never() -> None:
    doubtful = rule("!subject.id.matches('^[^x]*$')", says=AAL2) + rule("!subject.id.matches('x')", name="b", says=AAL2)
    for promise, day, is_accepted in (
        (invariant(), TODAY, False),
        (invariant() + WAIVED, TODAY, True),
        (invariant() + WAIVED, date(2026, 11, 3), False),
    ):
        report = verify(bundle(doubtful, invariants_a=promise), today=day)
        assert report.findings[0].outcome == Outcome.UNPROVED
        assert report.is_accepted == is_accepted
        assert (report.findings[0].waiver is not None) == is_accepted
    refuted = find(rule("device.is_known", says=AAL2), invariant() + WAIVED)
    assert (refuted.outcome, refuted.waiver, refuted.is_accepted) == (Outcome.REFUTED, None, False)
    assert refuted.counterexample is not None


REFUSED = {
    "satisfiable_by: [abacus]": "there is no factor 'abacus'",
    "satisfiable_by: []": "satisfiable_by is a list of factors",
    "never_below: {level: aal1}": "this asks for nothing that is not always asked",
    "never_below: {level: aal9}": "'aal9' is not a valid Level",
    "never_below: {level: aal2}\n  satisfiable_by: [totp]": "an invariant has one of",
    "forbid: true": "unknown member 'forbid'",
    "never_lowered: false": "what promises nothing has no 'never_lowered'",
    "forbidden: false": "what promises nothing has no 'forbidden'",
    "never_lowered: 1": "true or false is meant to stand here",
    "never_lowered: true\n  never_below: {level: aal2}": "an invariant has one of",
    "never_below: {level: aal2}\n  waiver: {owner: me, because: So.}": "a waiver needs 'until'",
    "never_below: {level: aal2}\n  waiver: {owner: me, because: So., until: soon}": "until is a day such as",
    "never_below: {level: aal2}\n  waiver: {until: 2027-01-01, because: So.}": "a waiver needs 'owner'",
}


@pytest.mark.parametrize(("says", "message"), REFUSED.items())
def test_a_promise_that_is_none_is_refused_where_it_stands_however_often_it_is_read(says: str, message: str) -> None:
    broken = bundle(rule(), invariants_a=invariant(says=says))
    for _ in range(2):
        with pytest.raises(BundleRefused) as caught:
            read_invariants(broken)
        assert any(one.message.startswith(message) and one.line > 0 for one in caught.value.errors)
    with pytest.raises(BundleRefused):
        verify(broken, today=TODAY)


def test_two_promises_of_one_name_are_refused() -> None:
    with pytest.raises(BundleRefused, match="there is an invariant 'promise' already"):
        verify(bundle(rule(), invariants_a=invariant() + invariant("device.is_known")), today=TODAY)
