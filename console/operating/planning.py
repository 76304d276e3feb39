"""The operator's pages of plans: what a bundle would have done to the decisions of the last days, what asks for less first."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from console.doors import refused, see_other
from console.operating.forms import operator_form
from console.operating.ruled import GivenUpInWords
from console.operating.rules import HOME, SHORT, changes_in_words
from console.plan.wording import asked_in_words
from decisions import api as decisions
from isolation.clock import now
from tiergate import Action, TiergateError
from tiergate.policy.comparing import CHANGE_WORDS, LOOSER, Change
from tiergate.policy.impact import Example, Report, Share, Side

DAYS: Final = (1, 7, 30, 90)
_MOST: Final = 20
_ENDED: Final = ("done", "failed")


@operator_form(Action.BUNDLE_WRITE, home=HOME)
def begin(request: HttpRequest, author: str) -> HttpResponseBase:
    """Have a plan made, and go on to where its progress is seen."""
    typed = request.POST.get("days", "")
    try:
        if typed not in {str(one) for one in DAYS}:
            raise decisions.PlanRefused(f"Choose one of {', '.join(map(str, DAYS))} days.")
        days = int(typed)
        plan = decisions.begin_plan(digest=request.POST.get("digest", "")[:64], days=days, by=author, at=now())
    except TiergateError as error:
        messages.warning(request, f"No plan was begun: {error.detail}")
        return see_other(HOME)
    return see_other(f"{HOME}plans/{plan.id}")


def plan(request: HttpRequest, page: Mapping[str, Any], plan: UUID) -> HttpResponse:
    """Show how far a plan has come and, once it is done, what would have been otherwise."""
    try:
        found = decisions.get_plan(plan)
    except TiergateError as error:
        return refused(request, error.detail, status=decisions.STATUS_BY_KIND[error.kind])
    names = decisions.names_of((found.candidate, found.base))
    context = {
        **page,
        "title": f"What {names.get(found.candidate, '')} {found.candidate[:SHORT]} would have done",
        "plan": found,
        "name": names.get(found.candidate, ""),
        "base_name": names.get(found.base, ""),
        "is_ended": found.status in _ENDED,
        "report": found.report and report_in_words(found.report),
        # The base of a plan is what was active then: a later bundle was not looked at.
        "is_stale": (decisions.read_stage().active or "") != found.base,
    }
    response = render(request, "admin/policy_plan.html", context)
    if found.status not in _ENDED:
        # Without a script the page looks again by itself.
        response["Refresh"] = "5"
    return response


def report_in_words(report: Report) -> dict[str, Any]:
    """Write a report for its page."""
    changes = [one for one in changes_in_words(report.changes) if one["words"] != CHANGE_WORDS[Change.UNCHANGED]]
    return {
        "decisions": report.decisions,
        "changed": report.changed,
        "unchanged": report.changes.get(Change.UNCHANGED, 0),
        "changes": changes,
        "is_looser": any(one["is_looser"] for one in changes),
        "locked_out": report.locked_out,
        "before": report.forecast.before_a_day,
        "after": report.forecast.after_a_day,
        "tables": [
            {"title": title, "rows": _rows(shares), "others": max(0, len(shares) - _MOST)}
            for title, shares in (
                ("Workspace", report.tenants),
                ("Feature", report.features),
                ("Rule", report.rules),
            )
            if shares
        ],
        "examples": [_example(one) for one in report.examples],
        "left_out": [(reason, one.count) for reason, one in report.left_out.items()],
        "inexact": [(reason, one.count) for reason, one in report.inexact.items()],
        "given_up": [
            GivenUpInWords(id=one.promise, word=f"{one.owner}, until {one.until}: {one.because}" if one.is_said else "")
            for one in report.gives_up
        ],
        "waived": [
            GivenUpInWords(id=one.promise, word=f"{one.owner}, until {one.until}: {one.because}")
            for one in report.waives
        ],
    }


def _rows(shares: Sequence[Share]) -> list[dict[str, Any]]:
    return [{"name": one.name, "changes": changes_in_words(one.changes)} for one in shares[:_MOST]]


def _example(one: Example) -> dict[str, Any]:
    return {
        "id": one.id,
        "at": one.at,
        "words": CHANGE_WORDS[one.change],
        "is_looser": one.change in LOOSER,
        "tenant": one.tenant,
        "action": one.action,
        "before": _side(one.before),
        "after": _side(one.after),
        "rules": one.rules,
    }


def _side(side: Side) -> str:
    asked = asked_in_words(side.requirement)
    return f"{side.outcome} ({side.reason})" + (f", asked: {asked}" if asked else "")
