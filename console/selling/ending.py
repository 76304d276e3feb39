"""To end what is paid for, and to go on after all; each is confirmed by somebody who has read what it takes."""

from django.http import HttpRequest, HttpResponseBase

from authlevels import api as authlevels
from billing import api as billing
from console.doors import author, person_page
from console.selling.coming import coming_to, left_without
from console.selling.page import done_with, not_done, shown
from isolation.clock import now
from licensing import api as licensing
from tiergate import Action, TiergateError

_HOME = "/console/"


@person_page(Action.BILLING_MANAGE, "GET", "HEAD", "POST", home=_HOME)
def cancel(request: HttpRequest, session: authlevels.Session) -> HttpResponseBase:
    """Show what is lost with the end of the subscription, and have it end with the period that is paid for."""
    if request.method == "POST":
        return _ordered(request, session, is_end=True)
    at = now()
    state = billing.billing_state(tenant_id=session.tenant_id)
    features = {one.key: one for one in licensing.list_features()}
    return shown(
        request,
        session,
        "cancel",
        here="plan",
        state=state,
        plan=licensing.get_snapshot(tenant_id=session.tenant_id, at=at).plan,
        foreseen=left_without(tenant_id=session.tenant_id, features=features, at=at),
    )


@person_page(Action.BILLING_MANAGE, "GET", "HEAD", "POST", home=_HOME)
def go_on(request: HttpRequest, session: authlevels.Session) -> HttpResponseBase:
    """Show what was planned, and take it back: the subscription goes on as it is."""
    if request.method == "POST":
        return _ordered(request, session, is_end=False)
    at = now()
    state = billing.billing_state(tenant_id=session.tenant_id)
    features = {one.key: one for one in licensing.list_features()}
    return shown(
        request,
        session,
        "go_on",
        here="plan",
        plan=licensing.get_snapshot(tenant_id=session.tenant_id, at=at).plan,
        coming=coming_to(tenant_id=session.tenant_id, state=state, features=features, at=at),
    )


def _ordered(request: HttpRequest, session: authlevels.Session, *, is_end: bool) -> HttpResponseBase:
    order = billing.cancel if is_end else billing.resume
    try:
        made = order(tenant_id=session.tenant_id, by=author(request), clock=now)
    except TiergateError as error:
        return not_done(request, session, error, action=request.path)
    return done_with(made, "ending" if is_end else "goes-on")
