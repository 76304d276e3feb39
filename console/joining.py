"""Whoever was invited sees by whom and to what, and joins as who they are signed in as, or leaves it."""

from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from authlevels import api as authlevels
from decisions import api as decisions
from isolation.clock import now
from licensing import api as licensing
from tiergate import Action, TiergateError

_OPEN: Final = "It shows an invitation to whoever has its secret, and joins nobody but who is signed in."
_OVER: Final = {
    "accepted": "This invitation was accepted already. It is good once.",
    "revoked": "This invitation was taken back. Ask whoever invited you for another.",
    "expired": "This invitation was open for too long. Ask whoever invited you for another.",
}
_NONE: Final = "There is no such invitation."
_LONGEST: Final = 200


@decisions.open_because(_OPEN)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, tenant: str, token: str) -> HttpResponse:
    """Show an invitation, and accept it for whoever is signed in by our own sign-in."""
    at = now()
    tenant_id = licensing.find_tenant_id(tenant) if len(token) <= _LONGEST else None
    if tenant_id is None:
        return _told(request, error=_NONE, status=404)
    invited_to = licensing.get_tenant(tenant)
    try:
        found, end = licensing.read_invitation(tenant_id=tenant_id, token=token, at=at)
    except licensing.InvitationNotFound:
        return _told(request, error=_NONE, status=404)
    if end or not invited_to.is_active:
        return _told(request, error=_OVER.get(end, _NONE), status=410)
    shown: dict[str, Any] = {"tenant": invited_to, "invited": found, "inviter": _name_of(tenant_id, found.by)}
    return _joined(request, token, shown) if request.method == "POST" else _told(request, **shown)


def _joined(request: HttpRequest, token: str, shown: dict[str, Any]) -> HttpResponse:
    session = _own_session(request)
    if session is None:
        return _told(request, **shown, status=403)
    try:
        # Support, and whoever may do nothing of their own where they are signed in, joins nothing from there.
        decision = decisions.decide_for(request, Action.SESSIONS_MANAGE).decision
        if not decision.is_allowed:
            return _told(request, **shown, error=decisions.for_person(decision), status=403)
        licensing.accept_invitation(
            tenant_id=shown["tenant"].id,
            token=token,
            subject_type=session.subject_type,
            subject_id=session.subject_id,
            by=":".join(session.subject),
            at=now(),
        )
    except TiergateError as error:
        return _told(request, **shown, error=error.detail, status=decisions.STATUS_BY_KIND[error.kind])
    return _told(request, **shown, is_done=True)


def _own_session(request: HttpRequest) -> authlevels.Session | None:
    """Find the session of a person of our own sign-in: a product's people are joined by their product."""
    principal = authlevels.caller(request)
    if isinstance(principal, authlevels.PersonPrincipal) and principal.by_cookie and principal.session.is_own:
        return principal.session
    return None


def _name_of(tenant_id: UUID, author: str) -> str:
    """Name who invites, where a member does."""
    kind, _, subject = author.partition(":")
    member = licensing.get_member(tenant_id=tenant_id, subject_type=kind, subject_id=subject) if subject else None
    return (member.display_name or subject) if member is not None and member.active else ""


def _told(request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
    return render(request, "console/join.html", {"session": _own_session(request), **context}, status=status)
