"""What a change would cost, bring and ask is shown first; then it is made just so, or paid for at Stripe."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from authlevels import api as authlevels
from billing import api as billing
from console.billing.delta import security_delta
from console.doors import author, held_by, person_page
from console.selling.foreseen import foreseen_of
from console.selling.money import bill_of_checkout, bill_of_quote
from console.selling.page import PLANS, asked, done_with, leaving, not_done, shown, text
from isolation.clock import now
from licensing import api as licensing
from tiergate import Action, TiergateError, Verb

type Versions = tuple[tuple[str, str, int], ...]

_BESIDE: Final = "An add-on is bought beside a plan that is paid for: choose a plan first."


@person_page(Action.BILLING_MANAGE, "POST", home=PLANS)
def preview(request: HttpRequest, session: authlevels.Session) -> HttpResponse:
    """Show what a change would cost, bring and ask; nothing is changed by it."""
    at = now()
    try:
        quote, versions = _quoted(request, session.tenant_id, at)
        context = _foretold(request, session.tenant_id, versions, at)
    except TiergateError as error:
        return not_done(request, session, error)
    named = {(one.ref.kind.value, one.ref.key, one.ref.number): one for one in licensing.list_versions()}
    prices = [named[one].price if one in named else None for one in versions]
    return shown(
        request,
        session,
        "preview",
        quote=quote,
        titles=[named[one].title or one[1] if one in named else one[1] for one in versions],
        bill=bill_of_checkout(prices) if quote is None else bill_of_quote(quote, prices),
        asked=asked(request),
        key=uuid4(),
        **context,
    )


@person_page(Action.BILLING_MANAGE, "POST", home=PLANS)
def change(request: HttpRequest, session: authlevels.Session) -> HttpResponseBase:
    """Make the change of a quote, at its price."""
    quote, key = text(request, "quote"), text(request, "key")
    try:
        made = billing.apply_quote(
            tenant_id=session.tenant_id, quote_id=_id(quote), key=key, by=author(request), clock=now
        )
    except TiergateError as error:
        return not_done(request, session, error, action=f"{PLANS}/change", quote=quote, key=key, **asked(request))
    return done_with(made, "changed" if made.effective_at is None else "planned")


@person_page(Action.BILLING_MANAGE, "POST", home=PLANS)
def checkout(request: HttpRequest, session: authlevels.Session) -> HttpResponse:
    """Open Stripe's page on which a plan is paid for, and send the person there."""
    plan, key = text(request, "plan"), text(request, "key")
    try:
        opened = billing.begin_checkout(
            tenant_id=session.tenant_id, plan=plan, key=key or str(uuid4()), by=author(request), clock=now
        )
    except TiergateError as error:
        return not_done(request, session, error, action=f"{PLANS}/checkout", plan=plan, key=key)
    return leaving(
        request,
        session,
        opened.url,
        title="On to the payment",
        sentence="You pay on a page of Stripe's, and come back here.",
    )


def _quoted(request: HttpRequest, tenant_id: UUID, at: datetime) -> tuple[billing.QuoteView | None, Versions]:
    """Ask for a quote; None with what a checkout would sell, where nothing is paid for yet."""
    said = asked(request)
    wanted: dict[str, Any] = {"plan": said["plan"]} if "plan" in said else {}
    if "add_on" in said:
        held = licensing.get_snapshot(tenant_id=tenant_id, at=at).plan
        beside = {key for key, _number in held.add_ons} if held else set()
        change = {said["add_on"]}
        wanted["add_ons"] = sorted(beside - change if said.get("do") == "drop" else beside | change)
    if not wanted:
        raise billing.NotForSale("Choose a plan or an add-on first.")
    try:
        quote = billing.quote_change(tenant_id=tenant_id, **wanted, by=author(request), clock=now)
    except billing.NotSubscribed as error:
        if "plan" not in wanted:
            raise billing.NotSubscribed(_BESIDE) from error
        return None, tuple(billing.offered(plan=wanted["plan"]))
    return quote, quote.versions


def _foretold(request: HttpRequest, tenant_id: UUID, versions: Versions, at: datetime) -> dict[str, Any]:
    """Say what holding these versions would bring, take away and ask."""
    features = {one.key: one for one in licensing.list_features()}
    effect = licensing.foresee(tenant_id=tenant_id, versions=versions, at=at)
    sees_usage = Verb.USAGE_READ in held_by(request)
    usage = licensing.usage_of(tenant_id=tenant_id, at=at) if sees_usage else None
    return {
        "foreseen": foreseen_of(effect, features, usage),
        "delta": security_delta(tenant_id=tenant_id, versions=versions, at=at),
    }


def _id(said: str) -> UUID:
    """Read a quote's id.

    :raises QuoteNotFound: it is none.
    """
    try:
        return UUID(said)
    except ValueError as error:
        raise billing.QuoteNotFound("There is no such quote.") from error
