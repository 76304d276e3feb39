"""The page of what is used, day by day."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from authlevels import api as authlevels
from console.doors import held_by, person_page
from console.plan.seeing import may_see
from console.plan.usage import bars_of, charts_of
from isolation.clock import now
from licensing import api as licensing
from tiergate import Action

HOME: Final = "/console/usage"
_USUAL: Final = 30


@person_page(Action.USAGE_READ, "GET", "HEAD", home=HOME)
def usage(request: HttpRequest, session: authlevels.Session) -> HttpResponse:
    """Show how much of each limit is taken, and how much was used on which day."""
    at, days = now(), _days_in(request)
    features = {one.key: one for one in licensing.list_features()}
    bars = bars_of(licensing.usage_of(tenant_id=session.tenant_id, at=at), features)
    found = licensing.usage_by_day(tenant_id=session.tenant_id, days=days, at=at)
    context = {
        **may_see(held_by(request)),
        "here": "usage",
        "tenant": licensing.get_tenant(session.tenant_id),
        "choices": licensing.USAGE_DAYS,
        "days": days,
        "found": found,
        "charts": charts_of(bars, found, features),
    }
    return render(request, "console/plan/usage.html", context)


def _days_in(request: HttpRequest) -> int:
    """Read how many days are asked for; what cannot be chosen is a month."""
    return {str(one): one for one in licensing.USAGE_DAYS}.get(request.GET.get("days", ""), _USUAL)
