"""What the pages that sell have in common: their frame, and what they say when something cannot be done."""

from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from authlevels import api as authlevels
from billing import api as billing
from console.doors import held_by, see_other
from console.plan.seeing import may_see
from decisions import api as decisions
from licensing import api as licensing
from tiergate import TiergateError

PLANS: Final = "/console/plans"
_MOST: Final = 100
_ANEW: Final = (billing.QuoteStale, billing.QuoteUsed, billing.QuoteNotFound)
_ONCE_MORE: Final = (billing.StripeUnavailable, billing.ChangeBusy, billing.CheckoutBusy)
_ASKED: Final = ("plan", "add_on", "do")


def shown(request: HttpRequest, session: authlevels.Session, template: str, **context: Any) -> HttpResponse:
    """Show a page in the frame of the console. status: 200 if left out."""
    status = context.pop("status", 200)
    frame = {
        "tenant": licensing.get_tenant(session.tenant_id),
        "here": "plans",
        **may_see(held_by(request)),
    }
    return render(request, f"console/selling/{template}.html", frame | context, status=status)


def not_done(request: HttpRequest, session: authlevels.Session, error: TiergateError, **again: str) -> HttpResponse:
    """Say why something was not done, and what can be done about it.

    again: what the form has to say to be sent once more, where that may help: it is done once.
    """
    return shown(
        request,
        session,
        "not_done",
        error=error.detail,
        preview=asked(request) if isinstance(error, _ANEW) else {},
        again=again if isinstance(error, _ONCE_MORE) else {},
        is_declined=isinstance(error, billing.PaymentDeclined),
        status=decisions.STATUS_BY_KIND[error.kind],
    )


def leaving(request: HttpRequest, session: authlevels.Session, url: str, *, title: str, sentence: str) -> HttpResponse:
    """Send the person on to a page of Stripe's.

    The policy lets forms be sent to this site alone, and what they are answered with lead nowhere else; so the page
    itself leads on, and its link where a browser does not follow.
    """
    page = shown(request, session, "leaving", url=url, title=title, sentence=sentence)
    page["Refresh"] = f"0; url={url}"
    return page


def asked(request: HttpRequest) -> dict[str, str]:
    """Read what a form asks for, as far as it says so."""
    return {name: said for name in _ASKED if (said := text(request, name))}


def text(request: HttpRequest, name: str) -> str:
    """Read a short field of a form; what is too long is none."""
    said = request.POST.get(name, "").replace("\x00", "")
    return said if len(said) <= _MOST else ""


def done_with(made: billing.Changed, done: str) -> HttpResponseRedirect:
    """Send the person to their plan, which says what is done, or looks again until it has been read back."""
    since = {} if made.is_settled else {"since": f"{made.ordered_at.timestamp():.6f}"}
    return see_other(f"/console/?{urlencode({'done': done, **since})}")
