"""Where Stripe reports, and where it sends people who have paid."""

import re
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from billing.errors import BillingOff, InvalidEvent, SignatureRefused
from billing.inbox import MOST_BYTES, receive_webhook
from billing.metrics import WEBHOOKS
from billing.returning import Arrival, arrive
from isolation.clock import now

_SIGNED: Final = "Stripe signs each webhook with this endpoint's secret; nothing is believed without"
_ARRIVING: Final = "whoever comes from a checkout is shown whether it has been read, and nothing of whose it was"
_SESSION: Final = re.compile(r"cs_[A-Za-z0-9_]{1,250}")


@csrf_exempt
@require_POST
def webhook(request: HttpRequest) -> HttpResponseBase:
    """Store one event of Stripe's. What it changes is done by a worker, so that this is answered at once."""
    # One byte more than is taken, so that what was cut off is never mistaken for what was sent.
    raw = request.read(MOST_BYTES + 1)
    try:
        receive_webhook(raw, header=request.headers.get("Stripe-Signature", ""), at=now())
    except BillingOff as refused:
        return _problem(404, refused.code, refused.detail)
    except (SignatureRefused, InvalidEvent) as refused:
        WEBHOOKS.labels(refused.code).inc()
        return _problem(400, refused.code, refused.detail)
    return HttpResponse(status=200)


webhook.open_because = _SIGNED  # type: ignore[attr-defined]  # a mark on a function


@require_GET
def paid(request: HttpRequest) -> HttpResponseBase:
    """Read what a checkout has changed before its person goes on, so that they never see the plan of before."""
    session = request.GET.get("session_id", "")
    arrival = arrive(session=session, clock=now) if _SESSION.fullmatch(session) else Arrival.UNKNOWN
    if arrival is Arrival.SETTLED:
        return redirect("/console/")
    again = f"{request.path}?{urlencode({'session_id': session})}"
    page = render(request, "billing/paid.html", {"is_unknown": arrival is Arrival.UNKNOWN, "again": again})
    if arrival is Arrival.WAITING:
        page["Refresh"] = f"2; url={again}"
    return page


paid.open_because = _ARRIVING  # type: ignore[attr-defined]  # a mark on a function


def _problem(status: int, code: str, detail: str, **members: Any) -> JsonResponse:
    body = {"type": "about:blank", "status": status, "code": code, "detail": detail, **members}
    return JsonResponse(body, status=status, content_type="application/problem+json")
