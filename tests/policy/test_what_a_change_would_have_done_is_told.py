"""A candidate is tried on recorded decisions: each that it would make another one of is counted, named, and told."""

import io
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from tests.kernel.case_vocabulary import METHODS, NINE, facts_of
from tests.kernel.strategies import facts as any_facts
from tests.policy.bundles import bundle, rule
from tiergate import SESSION_WIDE, Circumstances, Facts, Purpose, TenantFact, decide
from tiergate.policy import Bundle, verbs, with_bundle
from tiergate.policy.comparing import Change, compare, rules_of
from tiergate.policy.impact import Impact, Recorded, Report
from tiergate.policy.impact_text import to_lines, to_markdown
from tiergate.policy.wording import Alarm

ON = "{actions: [reports.read]}"
FRESH = rule(name="fresh", on=ON, says="require: {level: aal2, max_age: 300, scope: action}")
KNOWN = rule(name="known", on=ON, says="require: {level: aal2}")
STOP = rule('risk.band == "high"', name="stop", on=ON)
APPROVED = rule(name="approved", on=ON, says="require: {approvals: 1}")


def asked(minutes: float = 0, *, risk: str = "low", handle: str = "ses_1", **given: Any) -> Facts:
    """Make Alice's ordinary request, some minutes after nine, from a session in use."""
    facts = facts_of({"session": {}} | given)
    assert facts.session is not None
    at = NINE + timedelta(minutes=minutes)
    used = replace(facts.session.activity, last_seen_at=at)
    return replace(
        facts,
        at=at,
        circumstances=Circumstances(risk_band=risk),  # type: ignore[arg-type]
        session=replace(facts.session, handle=handle, activity=used),
    )


class Screen(io.StringIO):
    """What is written to a person at a terminal."""

    def isatty(self) -> bool:
        return True


def stepped_up(facts: Facts) -> Facts:
    assert facts.session is not None
    shown = METHODS["totp"].shown(at=facts.at, scope=SESSION_WIDE)
    return replace(facts, session=replace(facts.session, proofs=(*facts.session.proofs, shown)))


def told(facts: Sequence[Facts], *, base: Bundle | None, candidate: Bundle | None) -> Report:
    impact = Impact()
    for number, one in enumerate(facts):
        impact.add(Recorded(id=f"dec_{number}", who="user:~tag", facts=one), base=base, candidate=candidate)
    return impact.report(base="", candidate="c" * 64, since=NINE, until=NINE + timedelta(days=7))


@pytest.mark.parametrize(
    ("base", "candidate", "facts", "change", "rules"),
    [
        (None, STOP, asked(risk="high"), Change.NEWLY_REFUSED, ("stop",)),
        (None, STOP, asked(), Change.UNCHANGED, ()),
        (None, FRESH + KNOWN, asked(), Change.NEWLY_CHALLENGED, ("fresh",)),
        (None, APPROVED, asked(), Change.NEWLY_CHALLENGED, ("approved",)),
        (KNOWN, None, asked(), Change.NEWLY_ALLOWED, ("known",)),
        (FRESH + KNOWN, None, asked(), Change.NEWLY_ALLOWED, ("fresh",)),
        (STOP, None, asked(risk="high"), Change.NEWLY_ALLOWED, ("stop",)),
        (STOP + KNOWN, KNOWN, asked(risk="high"), Change.NO_LONGER_REFUSED, ("stop",)),
        (KNOWN, FRESH, asked(), Change.REQUIREMENT_RAISED, ("fresh",)),
        (FRESH, KNOWN, asked(), Change.REQUIREMENT_LOWERED, ("fresh",)),
        (FRESH, KNOWN, stepped_up(asked()), Change.NEWLY_ALLOWED, ("fresh",)),
        (FRESH, KNOWN + APPROVED, asked(), Change.REQUIREMENT_LOWERED, ("fresh",)),
        (None, KNOWN, stepped_up(asked()), Change.REQUIREMENT_RAISED, ("known",)),
        (None, STOP, asked(risk="high", session={"impersonated_by": "support:bob"}), Change.NEWLY_REFUSED, ("stop",)),
        (None, KNOWN, asked(session={"impersonated_by": "support:bob"}), Change.NEWLY_REFUSED, ("known",)),
        (None, STOP, asked(risk="high", session={"state": "revoked"}), Change.UNCHANGED, ()),
        (None, STOP, asked(risk="high", action="payments.send"), Change.UNCHANGED, ()),
        (None, STOP, replace(asked(risk="high"), missing_fields=("amount",)), Change.OTHER_REASON, ("stop",)),
    ],
)
def test_each_answer_that_changes_is_named_with_the_rules_that_change_it(
    base: str | None, candidate: str | None, facts: Facts, change: Change, rules: tuple[str, ...]
) -> None:
    first, second = (None if one is None else bundle(one) for one in (base, candidate))
    compared = compare(facts, base=first, candidate=second)
    assert (compared.change, rules_of(compared)) == (change, rules)


def test_two_rules_that_ask_the_same_make_the_difference_together() -> None:
    twice = bundle(KNOWN + rule(name="also", on=ON, says="require: {level: aal2}"))
    assert rules_of(compare(asked(), base=None, candidate=twice)) == ("also", "known")


def test_what_was_asked_by_a_bundle_of_then_counts_for_nothing() -> None:
    then = with_bundle(asked(risk="high"), bundle(STOP))
    assert compare(then, base=None, candidate=None).change == Change.UNCHANGED
    assert compare(then, base=None, candidate=bundle(KNOWN)).change == Change.NEWLY_CHALLENGED


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(any_facts)
def test_a_candidate_that_is_the_bundle_in_force_changes_nothing(facts: Facts) -> None:
    one, same = bundle(FRESH + STOP + APPROVED), bundle(APPROVED + STOP + FRESH)
    compared = compare(facts, base=one, candidate=same)
    assert compared.change == Change.UNCHANGED
    assert compared.after == decide(with_bundle(facts, same)), "nothing is left out that was not decided again"


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(any_facts)
def test_a_rule_more_never_asks_for_less(facts: Facts) -> None:
    compared = compare(facts, base=bundle(KNOWN), candidate=bundle(KNOWN + FRESH + STOP))
    assert compared.change not in {Change.NEWLY_ALLOWED, Change.NO_LONGER_REFUSED, Change.REQUIREMENT_LOWERED}
    assert compared.after == decide(with_bundle(facts, bundle(KNOWN + FRESH + STOP)))


def test_all_is_counted_by_rule_feature_and_tenant_with_examples_by_tag() -> None:
    globex = TenantFact(id="globex", slug="globex", is_active=True)
    facts = [asked(n) for n in range(5)] + [replace(asked(9, risk="high"), tenant=globex)]
    report = told(facts, base=None, candidate=bundle(STOP + KNOWN))
    assert report.changes == {"newly_refused": 1, "newly_challenged": 5}
    assert [(one.name, one.changes) for one in report.tenants] == [
        ("acme", {"newly_challenged": 5}),
        ("globex", {"newly_refused": 1}),
    ]
    assert [(one.name, one.total) for one in report.rules] == [("known", 5), ("stop", 1)]
    assert [one.id for one in report.examples] == ["dec_5", "dec_0", "dec_1", "dec_2"]
    assert "alice" not in msgspec.json.encode(report).decode()


def test_what_is_not_exact_is_never_called_unchanged() -> None:
    impact = Impact()
    for number, facts in enumerate((asked(), asked(risk="high"))):
        one = Recorded(id=f"dec_{number}", who="user:~tag", facts=facts)
        impact.add(one, base=None, candidate=bundle(STOP), doubt="a name is gone")
    assert (impact.decisions, impact.changes) == (2, {"newly_refused": 1})
    report = impact.report(base="", candidate="", since=NINE, until=NINE + timedelta(days=1))
    assert report.inexact["a name is gone"].ids == ["dec_0", "dec_1"]
    assert "2 not exact: a name is gone (dec_0, dec_1)" in list(to_lines(report))
    assert "> 2 not exact: a name is gone (`dec_0`, `dec_1`)" in to_markdown(report)


def test_drawn_menus_are_advice_and_counted_apart() -> None:
    menu = replace(asked(), purpose=Purpose.DISPLAY)
    report = told([menu], base=None, candidate=bundle(KNOWN))
    assert (report.changes, report.advice, report.forecast.after) == ({}, {"newly_challenged": 1}, 0)


def test_who_would_have_to_enrol_first_is_counted() -> None:
    facts = [asked(), asked(session={"enrolled": ["password"]})]
    report = told(facts, base=None, candidate=bundle(KNOWN))
    assert (report.changes, report.locked_out) == ({"newly_challenged": 2}, 1)


@pytest.mark.parametrize(
    ("candidate", "minutes", "prompts"),
    [
        # Asked at 0; covered at 2 and 4; asked again at 6, since five minutes have passed; covered at 10; asked at 11.
        (FRESH, (0, 2, 4, 6, 10, 11), 3),
        (KNOWN, (0, 2, 4), 1),
        (APPROVED, (0, 2), 0),
        (STOP, (0, 2), 0),
    ],
)
def test_a_prompt_that_is_passed_covers_what_comes_within_its_time(
    candidate: str, minutes: Sequence[float], prompts: int
) -> None:
    report = told([asked(one) for one in minutes], base=None, candidate=bundle(candidate))
    assert (report.forecast.before, report.forecast.after) == (0, prompts)


def test_a_prompt_covers_its_own_session_and_scope_alone() -> None:
    once = bundle(rule(name="once", says="require: {level: aal2, max_age: 300, scope: transaction}"))
    wide = bundle(rule(name="wide", says="require: {level: aal2, max_age: 300}"))
    here, there = asked(), asked(1, resource="report/q4")
    assert told([here, asked(1), there], base=None, candidate=once).forecast.after == 2, "two reports"
    assert told([here, asked(1), there], base=None, candidate=wide).forecast.after == 1
    other = asked(1, handle="ses_2")
    assert told([here, other], base=None, candidate=wide).forecast.after == 2, "two sessions"


def test_prompts_are_told_for_a_day_of_those_in_which_there_are_decisions() -> None:
    quarter_hours = [asked(15 * one) for one in range(8)]
    impact = Impact()
    for one in quarter_hours:
        impact.add(Recorded(id="dec_1", who="user:~tag", facts=one), base=None, candidate=bundle(FRESH))
    week = impact.report(base="", candidate="", since=NINE - timedelta(days=5), until=NINE + timedelta(days=2))
    assert (week.forecast.after, week.forecast.days, week.forecast.after_a_day) == (8, 2.0, 4.0)


def test_what_asks_for_less_comes_first_and_stands_out() -> None:
    report = told([asked(), asked(1, risk="high")], base=bundle(KNOWN + STOP), candidate=bundle(STOP))
    comment, plain = to_markdown(report), list(to_lines(report))
    assert comment.startswith("### cccccccccccc instead of no bundle: 1 decisions would have asked for less")
    assert "| ⚠️ **newly allowed** | 1 |" in comment
    assert "- ⚠️ newly allowed: `user:~tag` of `acme` for `reports.read` on a `report`" in comment
    assert "step_up (aal2) -> allow (aal1), by `known`" in comment
    assert [line for line in plain if isinstance(line, Alarm)] == ["          1  newly allowed"]
    on_paper, on_screen = io.StringIO(), Screen()
    for out in (on_paper, on_screen):
        verbs.Report(out, out, is_json=False).give(0, plain, {})
    assert "\x1b" not in on_paper.getvalue()
    assert "\x1b[31m          1  newly allowed\x1b[0m\n" in on_screen.getvalue()
    assert on_screen.getvalue().count("\x1b[31m") == 1


def test_a_name_that_somebody_chose_writes_nothing_into_a_comment() -> None:
    odd = TenantFact(id="odd", slug="`|\n# @everyone\x1b[2J", is_active=True)
    comment = to_markdown(told([replace(asked(), tenant=odd)], base=None, candidate=bundle(KNOWN)))
    assert "\n# @everyone" not in comment
    assert "\x1b" not in comment
    assert "`'¦�# @everyone�[2J`" in comment


def test_the_counting_goes_on_where_another_process_left_it() -> None:
    facts = [asked(n, risk="high" if n == 3 else "low") for n in (0, 2, 3, 6, 10, 11)]
    rules, resumed = bundle(STOP + FRESH), Impact()
    for number, one in enumerate(facts):
        resumed = msgspec.msgpack.decode(msgspec.msgpack.encode(resumed), type=Impact)
        resumed.add(Recorded(id=f"dec_{number}", who="user:~tag", facts=one), base=None, candidate=rules)
    again = resumed.report(base="", candidate="c" * 64, since=NINE, until=NINE + timedelta(days=7))
    assert again == told(facts, base=None, candidate=rules)
    assert msgspec.json.decode(msgspec.json.encode(again), type=Report) == again
