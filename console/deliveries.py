"""The operator's page of what is sent to the vendor's own systems."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode

from console.doors import refused, see_other
from decisions import api as decisions
from isolation.clock import now
from licensing import api as licensing
from tiergate import Action, TiergateError

PAGE: Final = 50
HOME: Final = "/operator/webhooks/"


def deliveries(request: HttpRequest, page: Mapping[str, Any]) -> HttpResponse:
    """Show the endpoints, and what was sent to them, the newest first; one state alone with ``?state=``.

    page: what the site's pages have in common.
    """
    state, after = request.GET.get("state", ""), request.GET.get("after", "")
    try:
        found = licensing.list_deliveries(state=state, after=after, limit=PAGE + 1)
    except TiergateError as error:
        return refused(request, error.detail, status=400)
    shown = found[:PAGE]
    more = urlencode({"state": state, "after": str(shown[-1].id)}) if len(found) > PAGE else ""
    context = {
        **page,
        "title": "Webhooks",
        "endpoints": licensing.list_endpoints(),
        "deliveries": shown,
        "state": state,
        "states": [("", "all"), *((one.value, one.label.lower()) for one in licensing.DeliveryState)],
        "more": more,
    }
    return render(request, "admin/deliveries.html", context)


def replay(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """Send one delivery again, where the decision on changing webhooks lets whoever asks."""
    if request.method != "POST":
        return see_other(HOME)
    try:
        answer = decisions.decide_for(request, Action.WEBHOOK_WRITE)
        if not answer.decision.is_allowed:
            return refused(request, decisions.for_person(answer.decision), status=decisions.status_of(answer))
        sent = licensing.replay_delivery(delivery_id=delivery, by=answer.question.asked_by, at=now())
    except TiergateError as error:
        return refused(request, error.detail, status=400)
    messages.success(request, f"The event {sent.message} is sent again to {sent.url}.")
    return see_other(HOME)
