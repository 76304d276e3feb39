"""The page on which a person sees how they sign in and where they are signed in, and ends what is not theirs."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from authlevels import api as authlevels
from console.account.doors import HOME, account_page
from console.doors import see_other
from isolation.clock import now
from licensing import api as licensing
from tiergate import Action, TiergateError

_DONE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "added": "It is added, and counts from now on.",
        "removed": "It is removed. What it confirmed counts no further.",
        "renamed": "It has its new name.",
        "password": "Your password is changed. You are signed out everywhere else.",
        "ended": "That session is ended.",
        "others": "All other sessions are ended.",
    }
)
_NAME_LENGTH: Final = 64
_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {"password": "Password", "totp": "Authenticator app", "passkey": "Passkey", "recovery_codes": "Recovery codes"}
)


@account_page(Action.SELF_READ, "GET", "HEAD")
def security(request: HttpRequest, session: authlevels.Session) -> HttpResponse:
    """Show factors and sessions."""
    return shown(request, session)


@account_page(Action.FACTORS_MANAGE, "POST")
def rename(request: HttpRequest, session: authlevels.Session, factor: str) -> HttpResponseBase:
    """Give a factor another name."""
    name = given_name(request)
    if not name:
        return shown(request, session, error="Give it a name.", status=400)
    try:
        authlevels.rename_factor(session=session, facts=facts_of(session), factor_id=factor, name=name, at=now())
    except TiergateError as error:
        return shown(request, session, error=error.detail, status=409)
    return see_other(f"{HOME}?done=renamed")


@account_page(Action.FACTORS_MANAGE, "POST")
def remove(request: HttpRequest, session: authlevels.Session, factor: str) -> HttpResponseBase:
    """Remove a factor."""
    at = now()
    try:
        authlevels.remove_factor(session=session, facts=facts_of(session), factor_id=factor, at=at)
    except TiergateError as error:
        return shown(request, session, error=error.detail, status=409)
    return see_other(f"{HOME}?done=removed")


@account_page(Action.SESSIONS_MANAGE, "POST")
def end_session(request: HttpRequest, session: authlevels.Session) -> HttpResponseBase:
    """End the session that the form names."""
    try:
        authlevels.end_own_session(session=session, handle=request.POST.get("session", ""), at=now())
    except TiergateError as error:
        return shown(request, session, error=error.detail, status=404)
    return see_other(f"{HOME}?done=ended")


@account_page(Action.SESSIONS_MANAGE, "POST")
def end_others(request: HttpRequest, session: authlevels.Session) -> HttpResponseBase:  # noqa: ARG001 - the door passes it
    """End every session but this one."""
    authlevels.end_other_sessions(session=session, at=now())
    return see_other(f"{HOME}?done=others")


def shown(request: HttpRequest, session: authlevels.Session, *, error: str = "", status: int = 200) -> HttpResponse:
    """Show the page, with what went wrong."""
    at = now()
    factors = authlevels.list_factors(user_id=session.user_id, tenant_id=session.tenant_id)
    context: dict[str, Any] = {
        "session": session,
        "tenant": licensing.get_tenant(session.tenant_id),
        "factors": [{"is": one, "kind": _KINDS.get(one.kind, one.kind)} for one in factors],
        "app": next((one.id for one in factors if one.kind == "totp" and one.is_usable), ""),
        "sessions": authlevels.list_own_sessions(session=session, at=at),
        "done": _DONE.get(request.GET.get("done", "")) if not error else "",
        "error": error,
    }
    return render(request, "console/account/security.html", context, status=status)


def given_name(request: HttpRequest) -> str:
    """Return what the person calls a factor, or ""."""
    return request.POST.get("name", "").replace("\x00", "").strip()[:_NAME_LENGTH]


def facts_of(session: authlevels.Session) -> Any:
    """Return what is known of the person's session now."""
    return authlevels.session_facts(tenant_id=session.tenant_id, session=session.id, subject=session.subject, at=now())
