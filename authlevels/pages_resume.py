"""The page on which a suspended request goes on, once the person has confirmed. It works without scripts."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from authlevels.challenges import open_challenge
from authlevels.drf import caller
from authlevels.errors import AlreadyResumed, SuspendedNotFound
from authlevels.pages import open_page, see_other
from authlevels.presenters import held_mark
from authlevels.principals import PersonPrincipal, Session
from authlevels.replaying import replay_instead
from authlevels.suspended import Suspended, Waiting, claim_suspended, get_suspended
from isolation.clock import now
from tiergate import TiergateError

CONFIRMED = "confirmed"
"""The query parameter with which the step-up page sends on whoever just confirmed: then no button is needed.

It counts only where the browser says that a page of ours sent it there: anybody can write it into a link.
"""


@open_page("a waiting request asks for the session that made it, and goes through its own door again")
@never_cache
@require_http_methods(["GET", "POST"])
def resume(request: HttpRequest, suspended: str) -> HttpResponse:
    """Send the person to what is missing, or let the request go on: once, and by a POST."""
    session = _own_session(request)
    if session is None:
        return _told(request, None, status=HTTPStatus.FORBIDDEN)
    try:
        found = get_suspended(ref=suspended, session=session, browser=held_mark(request), at=now())
    except SuspendedNotFound:
        return _told(request, None, status=HTTPStatus.NOT_FOUND)
    return _gone_on(request, session, found) if request.method == "POST" else _shown(request, session, found)


def _shown(request: HttpRequest, session: Session, found: Suspended) -> HttpResponse:
    if _wants_json(request):
        return JsonResponse({"state": found.state.value, "expires_at": found.expires_at})
    if found.state == Waiting.PROOF:
        return _to_step_up(request, session, found)
    if found.state == Waiting.READY and found.is_safe and CONFIRMED in request.GET:
        return see_other(found.path)
    return _told(request, found)


def _gone_on(request: HttpRequest, session: Session, found: Suspended) -> HttpResponse:
    if found.state == Waiting.PROOF:
        return _to_step_up(request, session, found)
    if found.is_safe:
        return see_other(found.path)
    try:
        original = claim_suspended(ref=found.id, session=session, browser=held_mark(request), at=now())
    except AlreadyResumed:
        return _told(request, found, is_done=True, status=HTTPStatus.CONFLICT)
    except SuspendedNotFound:
        return _told(request, None, status=HTTPStatus.NOT_FOUND)
    return replay_instead(request, original)


def _to_step_up(request: HttpRequest, session: Session, found: Suspended) -> HttpResponse:
    try:
        opened = open_challenge(tenant_id=session.tenant_id, decision_id=found.decision_id, session=session, at=now())
    except TiergateError as refused:
        return _told(request, found, error=refused, status=HTTPStatus.CONFLICT)
    return see_other(f"{opened.path}?resume={found.id}")


def _told(
    request: HttpRequest,
    found: Suspended | None,
    *,
    error: TiergateError | None = None,
    is_done: bool = False,
    status: int = 200,
) -> HttpResponse:
    """Show how it stands: to a script that goes on by itself as a problem's body."""
    is_done = is_done or (found is not None and found.state == Waiting.DONE)
    if _wants_json(request):
        told = error or (
            AlreadyResumed("This went on already; it goes on once.")
            if is_done
            else SuspendedNotFound("There is no such waiting request of this session (any more).")
        )
        body = {"status": int(status), "code": told.code, "detail": told.detail}
        return JsonResponse(body, status=status, content_type="application/problem+json")
    context = {
        "found": found,
        "is_done": is_done,
        "error": error.detail if error else "",
        "goes_by_itself": found is not None and found.for_page and CONFIRMED in request.GET and _is_from_here(request),
    }
    return render(request, "authlevels/resume.html", context, status=status)


def _own_session(request: HttpRequest) -> Session | None:
    principal = caller(request)
    return principal.session if isinstance(principal, PersonPrincipal) and principal.by_cookie else None


def _is_from_here(request: HttpRequest) -> bool:
    """Say whether a page of this very origin leads here, as the browser says (Fetch Metadata, section 2.3).

    A browser that says nothing, or an address that was typed or mailed, shows the button instead.
    """
    return request.headers.get("Sec-Fetch-Site") == "same-origin"


def _wants_json(request: HttpRequest) -> bool:
    return not any(one.main_type == "text" and one.sub_type == "html" for one in request.accepted_types)
