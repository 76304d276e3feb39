"""The operator's page of billing: what came from Stripe, who waits to be read, and what a person must look at."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.dateparse import parse_datetime

from billing import api as billing
from console.doors import refused, see_other
from console.operating.forms import operator_form
from isolation.clock import now
from tiergate import Action, TiergateError

PAGE: Final = 50
HOME: Final = "/operator/billing/"
LISTS: Final = (
    ("letters", "Dead letters"),
    ("waiting", "To be read"),
    ("events", "Events"),
    ("calls", "Calls to Stripe"),
)
KINDS: Final = (("", "all"), ("customer", "accounts"), ("event", "events"), ("call", "calls"))


def inbox(request: HttpRequest, page: Mapping[str, Any]) -> HttpResponse:
    """Show one of the lists, by ``?show=``; what a person must look at unless it says otherwise.

    page: what the site's pages have in common.
    """
    asked = {key: request.GET.get(key, "") for key in ("show", "state", "kind", "customer", "type", "after")}
    show = asked["show"] if asked["show"] in _LISTS else "letters"
    try:
        found = _LISTS[show](asked)
    except TiergateError as error:
        return refused(request, error.detail, status=400)
    context = {
        **page,
        **asked,
        "title": "Billing",
        "is_on": billing.is_on(),
        "backlog": billing.billing_backlog(),
        "lists": LISTS,
        "show": show,
        **found,
    }
    return render(request, "admin/billing.html", context)


@operator_form(Action.OPERATOR_ADMIN, home=HOME)
def replay(request: HttpRequest, author: str) -> HttpResponseBase:
    """Have what was given up be tried again."""
    ref = request.POST.get("ref", "")
    if billing.replay(ref=ref, by=author, at=now()):
        messages.success(request, f"It will be tried again within seconds: {ref}.")
    else:
        messages.warning(request, f"It is dead no longer; it was tried again already, or is done: {ref}.")
    return see_other(HOME)


def _letters(asked: Mapping[str, str]) -> dict[str, Any]:
    found = billing.list_dead_letters(kind=asked["kind"], after=_letter_before(asked["after"]), limit=PAGE + 1)
    more = _more(found, asked, ("kind",), lambda one: f"{one.since.isoformat()}|{one.ref}")
    return {"rows": found[:PAGE], "kinds": KINDS, "more": more}


def _letter_before(after: str) -> tuple[datetime, str] | None:
    """Read after which letter a page begins; what is none begins at the first."""
    since, _, ref = after.replace("\x00", "").partition("|")
    try:
        instant = parse_datetime(since)
    except ValueError:
        return None
    return (instant, ref) if instant is not None and instant.tzinfo is not None else None


def _waiting(asked: Mapping[str, str]) -> dict[str, Any]:
    found = billing.list_waiting(after=asked["after"], limit=PAGE + 1)
    return {"rows": found[:PAGE], "more": _more(found, asked, (), lambda one: one.stripe_id)}


def _events(asked: Mapping[str, str]) -> dict[str, Any]:
    found = billing.list_events(
        state=asked["state"],
        customer=asked["customer"].strip(),
        event_type=asked["type"].strip(),
        after=asked["after"],
        limit=PAGE + 1,
    )
    more = _more(found, asked, ("state", "customer", "type"), lambda one: one.id)
    return {"rows": found[:PAGE], "states": billing.EVENT_STATES, "more": more}


def _calls(asked: Mapping[str, str]) -> dict[str, Any]:
    state = asked["state"] or "failed"
    found = billing.list_calls(state=state, after=asked["after"], limit=PAGE + 1)
    more = _more(found, asked, ("state",), lambda one: str(one.id))
    return {"rows": found[:PAGE], "state": state, "states": billing.CALL_STATES, "more": more}


def _more(found: Sequence[Any], asked: Mapping[str, str], kept: Sequence[str], place: Callable[[Any], str]) -> str:
    """Write the query of the page after this one; "" where this is the last."""
    if len(found) <= PAGE:
        return ""
    named = {"show": asked["show"], **{key: asked[key] for key in kept}, "after": place(found[PAGE - 1])}
    return urlencode({key: value for key, value in named.items() if value})


_LISTS: Final[Mapping[str, Callable[[Mapping[str, str]], dict[str, Any]]]] = {
    "letters": _letters,
    "waiting": _waiting,
    "events": _events,
    "calls": _calls,
}
