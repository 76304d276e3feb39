"""The pages on which a person changes their password, and gets back in without what they lost."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from authlevels import api as authlevels
from console.account.doors import HOME, account_page
from console.account.enrolling import CREDENTIAL_LENGTH, app_page
from console.account.security import facts_of, given_name
from console.doors import see_other
from isolation.clock import now
from tiergate import Action, TiergateError

RECOVER: Final = f"{HOME}/recover"
_CODE_LENGTH: Final = 64


@account_page(Action.FACTORS_MANAGE, "GET", "HEAD", "POST", holds_secret=True)
def password(request: HttpRequest, session: authlevels.Session) -> HttpResponseBase:
    """Ask for the present password and the new one, twice; then every other session is over."""
    if request.method != "POST":
        return _password_page(request)
    # Whole, so that one that is too long is refused: its beginning is not what the person will sign in with.
    current, new, again = (request.POST.get(name, "") for name in ("current", "new", "again"))
    if new != again:
        return _password_page(request, error="The new password is not twice the same.", status=400)
    at = now()
    try:
        secret = authlevels.change_password(session=session, facts=facts_of(session), current=current, new=new, at=at)
    except authlevels.Throttled as refused:
        return _later(_password_page(request, error=refused.detail, status=429), refused)
    except TiergateError as refused:
        return _password_page(request, error=refused.detail, status=400)
    response = see_other(f"{HOME}?done=password")
    authlevels.set_session_cookie(response, secret, expires_at=session.expires_at, at=at)
    return response


@account_page(Action.FACTORS_RECOVER, "GET", "HEAD", "POST", holds_secret=True)
def recover(request: HttpRequest, session: authlevels.Session) -> HttpResponseBase:
    """Ask for a recovery code and use it up; then this session may add one app in the place of the lost one, or a passkey.

    Whoever comes back before they did, as by loading the page again, needs no second code.
    """
    if request.method != "POST":
        return _recover_page(request, granted=authlevels.find_recovery_grant(session=session, at=now()))
    code = request.POST.get("code", "")[:_CODE_LENGTH]
    try:
        authlevels.use_recovery_code(session=session, facts=facts_of(session), code=code, at=now())
    except authlevels.Throttled as refused:
        return _later(_recover_page(request, error=refused.detail, status=429), refused)
    except authlevels.RecoveryNotGranted as refused:
        return _recover_page(request, error=refused.detail, is_stale=True, status=409)
    except TiergateError as refused:
        return _recover_page(request, error=refused.detail, status=400)
    return see_other(RECOVER)


@account_page(Action.FACTORS_RECOVER, "POST")
def replacement(request: HttpRequest, session: authlevels.Session) -> HttpResponseBase:
    """Show what the app needs that stands in the place of the lost one, this once."""
    try:
        begun = authlevels.begin_replacement(
            session=session,
            facts=facts_of(session),
            name=given_name(request) or "Authenticator app",
            algorithm="SHA256" if request.POST.get("algorithm") == "SHA256" else "SHA1",
            at=now(),
        )
    except TiergateError as refused:
        return _recover_page(request, error=refused.detail, status=409)
    return app_page(request, begun=begun, is_recovering=True)


@account_page(Action.FACTORS_RECOVER, "POST")
def confirm_replacement(request: HttpRequest, session: authlevels.Session) -> HttpResponseBase:
    """Take the app's first code: it counts from now on, capped, and the lost one goes."""
    code = request.POST.get("code", "")[:16]
    try:
        authlevels.confirm_replacement(session=session, facts=facts_of(session), code=code, at=now())
    except (authlevels.WrongCode, authlevels.CodeAlreadyUsed, authlevels.Throttled) as refused:
        return app_page(request, error=refused.detail, is_confirming=True, is_recovering=True, status=400)
    except TiergateError as refused:
        return _recover_page(request, error=refused.detail, status=409)
    return see_other(f"{HOME}?done=added")


@account_page(Action.FACTORS_RECOVER, "POST")
def passkey_replacement(request: HttpRequest, session: authlevels.Session) -> HttpResponseBase:
    """Take the passkey that the browser made: it counts from now on, capped, and drives out nothing."""
    try:
        authlevels.confirm_passkey_replacement(
            session=session,
            facts=facts_of(session),
            credential=request.POST.get("credential", "")[:CREDENTIAL_LENGTH],
            name=given_name(request) or "Passkey",
            at=now(),
        )
    except authlevels.RecoveryNotGranted as refused:
        return _recover_page(request, error=refused.detail, status=409)
    except TiergateError as refused:
        granted = authlevels.find_recovery_grant(session=session, at=now())
        return _recover_page(request, error=refused.detail, granted=granted, status=409)
    return see_other(f"{HOME}?done=added")


def _password_page(request: HttpRequest, *, status: int = 200, **shown: Any) -> HttpResponse:
    return render(request, "console/account/password.html", shown, status=status)


def _recover_page(request: HttpRequest, *, status: int = 200, **shown: Any) -> HttpResponse:
    return render(request, "console/account/recover.html", shown, status=status)


def _later(response: HttpResponse, refused: TiergateError) -> HttpResponse:
    response["Retry-After"] = str(refused.extra["retry_after"])
    return response
