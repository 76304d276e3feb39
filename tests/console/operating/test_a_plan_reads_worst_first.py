"""What would have asked for less stands first and is told apart, and names are no markup. Nothing is read here."""

from datetime import UTC, datetime

from django.template.loader import render_to_string

from console.operating.planning import report_in_words
from tiergate.policy.impact import Forecast, Report, Share

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
CHANGES = {"unchanged": 90, "newly_challenged": 7, "newly_allowed": 3}
REPORT = Report(
    base="",
    candidate="c" * 64,
    since=NOON,
    until=NOON,
    decisions=100,
    changes=CHANGES,
    advice={},
    locked_out=0,
    tenants=[Share(name="<b>acme</b>", changes={"newly_challenged": 7, "newly_allowed": 3})],
    features=[],
    rules=[],
    examples=[],
    forecast=Forecast(days=1.0, before=1, after=2, before_a_day=1.0, after_a_day=2.0),
    left_out={},
    inexact={},
)


def test_what_is_newly_allowed_stands_first_and_is_told_apart() -> None:
    told = report_in_words(REPORT)
    assert [(one["words"], one["count"], one["is_looser"]) for one in told["changes"]] == [
        ("newly allowed", 3, True),
        ("newly challenged", 7, False),
    ]
    assert (told["changed"], told["unchanged"], told["is_looser"]) == (10, 90, True)


def test_it_is_shown_in_red_and_names_are_no_markup() -> None:
    plan = {"status": "done", "candidate": "c" * 64, "base": "", "by": "<i>olga</i>"}
    shown = {"plan": plan, "is_ended": True, "report": report_in_words(REPORT), "title": "Plan"}
    page = render_to_string("admin/policy_plan.html", shown)
    assert '<div class="looser"><dt>newly allowed</dt><dd>3</dd></div>' in page
    assert page.index("newly allowed") < page.index("newly challenged")
    assert "&lt;b&gt;acme&lt;/b&gt;" in page
    assert "<i>olga" not in page
