"""Pages that a person sees: signing in and out. They work without scripts."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

import licensing.api
from authlevels.client_address import counted_network, person_address
from authlevels.cookies import drop_session_cookie, set_session_cookie
from authlevels.drf import caller
from authlevels.errors import SignInFailed, Throttled
from authlevels.forms import SignInForm
from authlevels.origins import is_local_path
from authlevels.principals import PersonPrincipal
from authlevels.sessions import end_session
from authlevels.sign_in import sign_in_with_password
from isolation.clock import now
from riskengine import api as riskengine

type Page = Callable[..., HttpResponse]


def open_page(reason: str) -> Callable[[Page], Page]:
    """Mark a page as open to all, with the reason; the system check over every URL reads it."""

    def mark(page: Page) -> Page:
        page.open_because = reason  # type: ignore[attr-defined]  # a mark on a function
        return page

    return mark


def see_other(url: str) -> HttpResponseRedirect:
    """Send the browser on with a GET (RFC 9110 §15.4.4)."""
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response


@open_page("signing in is what makes a caller known; attempts are counted")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Show the form, or begin a session and go on to ``next``, a path of this site."""
    onward = request.POST.get("next") or request.GET.get("next") or "/"
    onward = onward if is_local_path(onward) else "/"
    if request.method != "POST":
        form = SignInForm(initial={"tenant": request.GET.get("tenant", "")[:64].replace("\x00", "")})
        return _form(request, form, onward)
    form = SignInForm(request.POST)
    if not form.is_valid():
        return _form(request, form, onward, error="Fill in all three fields.", status=400)
    given, at = form.cleaned_data, now()
    try:
        tenant_id = licensing.api.get_tenant(given["tenant"]).id
    except licensing.api.TenantNotFound:
        tenant_id = None
    # One that is new is learned of with the sign-in, and known the next time.
    device_token = riskengine.device_token_in(request, at=at)
    try:
        session, secret = sign_in_with_password(
            tenant_id=tenant_id,
            username=given["username"],
            password=given["password"],
            network=counted_network(request),
            ip=person_address(request),
            user_agent=request.headers.get("User-Agent", ""),
            device_token=device_token,
            at=at,
        )
    except SignInFailed as refused:
        return _form(request, form, onward, error=refused.detail, status=401)
    except Throttled as refused:
        response = _form(request, form, onward, error=refused.detail, status=429)
        response["Retry-After"] = str(refused.extra["retry_after"])
        return response
    except riskengine.RiskUnavailable:
        response = _form(request, form, onward, error="Signing in does not work just now. Try again.", status=503)
        response["Retry-After"] = "1"
        return response
    response = see_other(onward)
    set_session_cookie(response, secret, expires_at=session.expires_at, at=at)
    riskengine.keep_device_token(response, device_token, at=at)
    return response


@open_page("whoever holds a session may end it, whatever its level")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ask, or end the browser's session."""
    if request.method != "POST":
        return render(request, "authlevels/sign_out.html")
    principal = caller(request)
    if isinstance(principal, PersonPrincipal):
        session = principal.session
        end_session(tenant_id=session.tenant_id, session_id=session.id, by=":".join(session.subject), at=now())
    response = see_other("/sign-in")
    drop_session_cookie(response)
    return response


def _form(request: HttpRequest, form: SignInForm, onward: str, *, error: str = "", status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "next": onward, "error": error}
    return render(request, "authlevels/sign_in.html", context, status=status)
