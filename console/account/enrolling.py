"""The pages on which a person adds an authenticator app or a passkey. Apps are added without scripts."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from authlevels import api as authlevels
from console.account.doors import HOME, account_page
from console.account.security import facts_of, given_name
from console.doors import see_other
from isolation.clock import now
from tiergate import Action, TiergateError

CREDENTIAL_LENGTH: Final = 32768


@account_page(Action.FACTORS_MANAGE, "GET", "HEAD", "POST")
def add_app(request: HttpRequest, session: authlevels.Session) -> HttpResponseBase:
    """Ask for the app's name, then show what it needs, this once."""
    if request.method != "POST":
        return _page(request, "app", replaces=request.GET.get("replaces", "")[:64])
    try:
        begun = authlevels.begin_totp_enrolment(
            session=session,
            facts=facts_of(session),
            name=given_name(request) or "Authenticator app",
            algorithm="SHA256" if request.POST.get("algorithm") == "SHA256" else "SHA1",
            replaces=request.POST.get("replaces", "")[:64],
            at=now(),
        )
    except TiergateError as error:
        return _page(request, "app", error=error.detail, status=409)
    return _page(request, "app", begun=begun)


@account_page(Action.FACTORS_MANAGE, "POST")
def confirm_app(request: HttpRequest, session: authlevels.Session) -> HttpResponseBase:
    """Take the app's first code: the app counts from now on."""
    code = request.POST.get("code", "")[:16]
    try:
        authlevels.confirm_totp_enrolment(session=session, facts=facts_of(session), code=code, at=now())
    except (authlevels.WrongCode, authlevels.CodeAlreadyUsed, authlevels.Throttled) as error:
        return _page(request, "app", error=error.detail, is_confirming=True, status=400)
    except TiergateError as error:
        return _page(request, "app", error=error.detail, status=409)
    return see_other(f"{HOME}?done=added")


@account_page(Action.FACTORS_MANAGE, "GET", "HEAD", "POST")
def add_passkey(request: HttpRequest, session: authlevels.Session) -> HttpResponseBase:
    """Ask the browser for a passkey, or take the one that it made."""
    if request.method != "POST":
        return _page(request, "passkey")
    try:
        authlevels.confirm_passkey_enrolment(
            session=session,
            facts=facts_of(session),
            credential=request.POST.get("credential", "")[:CREDENTIAL_LENGTH],
            name=given_name(request) or "Passkey",
            at=now(),
        )
    except TiergateError as error:
        return _page(request, "passkey", error=error.detail, status=409)
    return see_other(f"{HOME}?done=added")


@account_page(Action.FACTORS_MANAGE, "GET", "HEAD", "POST")
def recovery_codes(request: HttpRequest, session: authlevels.Session) -> HttpResponseBase:
    """Say what recovery codes are for, or make a new list and show it this once."""
    if request.method != "POST":
        return _page(request, "recovery_codes")
    try:
        codes = authlevels.create_recovery_codes(session=session, facts=facts_of(session), at=now())
    except TiergateError as error:
        return _page(request, "recovery_codes", error=error.detail, status=409)
    return _page(request, "recovery_codes", codes=codes)


def app_page(request: HttpRequest, *, status: int = 200, **shown: Any) -> HttpResponse:
    """Show what an app needs, or ask for its first code."""
    return _page(request, "app", status=status, **shown)


def _page(request: HttpRequest, kind: str, *, status: int = 200, **shown: Any) -> HttpResponse:
    return render(request, f"console/account/add_{kind}.html", shown, status=status)
