"""A workspace's pages of risk: how sessions looked and what came of it, and what other bands would have asked."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from authlevels import api as authlevels
from console.doors import held_by, person_page
from console.plan.seeing import may_see
from console.risk.showing import begins_in, days_in, report_shown, what_if_shown
from isolation.clock import now
from licensing import api as licensing
from riskengine import api as riskengine
from tiergate import Action, Verb

HOME: Final = "/console/risk"


@person_page(Action.RISK_READ, "GET", "HEAD", home=HOME)
def risk(request: HttpRequest, session: authlevels.Session) -> HttpResponse:
    """Show how risky sessions looked, why, and how it ended."""
    days = days_in(request.GET)
    found = riskengine.risk_report(tenant_id=session.tenant_id, days=days, at=now())
    context = {**_frame(request, session), **report_shown(found, days=days)}
    return render(request, "console/risk/report.html", context)


@person_page(Action.RISK_READ, "GET", "HEAD", home=HOME)
def what_if(request: HttpRequest, session: authlevels.Session) -> HttpResponse:
    """Show how often people would be asked, had bands begun elsewhere."""
    days, begins = days_in(request.GET), begins_in(request.GET)
    found = riskengine.what_if(tenant_id=session.tenant_id, days=days, begins=begins, at=now())
    context = {**_frame(request, session), **what_if_shown(found, days=days)}
    return render(request, "console/risk/what_if.html", context)


def _frame(request: HttpRequest, session: authlevels.Session) -> dict[str, object]:
    privileges = held_by(request)
    return {
        **may_see(privileges),
        "here": "risk",
        "root": HOME,
        "tenant": licensing.get_tenant(session.tenant_id),
        "may_change": Verb.RISK_WRITE in privileges,
    }
