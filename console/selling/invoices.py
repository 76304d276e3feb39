"""What a workspace was charged, and where its card is changed."""

import re
from typing import Final

from django.http import HttpRequest, HttpResponse

from authlevels import api as authlevels
from billing import api as billing
from console.doors import author, person_page
from console.plan.wording import price
from console.selling.coming import unpaid_of
from console.selling.page import leaving, not_done, shown
from isolation.clock import now
from licensing import api as licensing
from tiergate import Action, TiergateError

HOME: Final = "/console/invoices"
_PAGE: Final = 20
_ID: Final = re.compile(r"in_[A-Za-z0-9_]{1,250}")
_STATES: Final = {
    "draft": "being written",
    "open": "to be paid",
    "paid": "paid",
    "uncollectible": "given up",
    "void": "taken back",
}


@person_page(Action.BILLING_READ, "GET", "HEAD", home=HOME)
def invoices(request: HttpRequest, session: authlevels.Session) -> HttpResponse:
    """List what was charged, the newest first, as Stripe has it."""
    said = request.GET.get("after", "")
    after = said if _ID.fullmatch(said) else ""
    try:
        found = billing.list_invoices(tenant_id=session.tenant_id, after=after, limit=_PAGE + 1)
    except TiergateError as error:
        return not_done(request, session, error)
    rows = [
        {
            "invoice": one,
            "sum": price(one.total, one.currency, "") if one.total else price(0, "", ""),
            "state": _STATES.get(one.status, one.status),
        }
        for one in found[:_PAGE]
    ]
    return shown(
        request,
        session,
        "invoices",
        here="invoices",
        rows=rows,
        after=after,
        onward=found[_PAGE - 1].id if len(found) > _PAGE else "",
        unpaid=unpaid_of(licensing.get_snapshot(tenant_id=session.tenant_id, at=now()).plan),
    )


@person_page(Action.BILLING_MANAGE, "POST", home=HOME)
def portal(request: HttpRequest, session: authlevels.Session) -> HttpResponse:
    """Open Stripe's page where the card is changed, and send the person there."""
    try:
        url = billing.open_portal(tenant_id=session.tenant_id, by=author(request), clock=now)
    except TiergateError as error:
        return not_done(request, session, error, action=request.path)
    return leaving(
        request,
        session,
        url,
        title="On to your card",
        sentence="You change it on a page of Stripe's, and come back here.",
    )
