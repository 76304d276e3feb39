"""The page on which a person types the code that a program shows, and says yes or no to what it waits for.

For a challenge of their own they go on to the page that confirms it; for what somebody else asked, they agree here.
They work without scripts.
"""

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from authlevels import api as authlevels
from decisions.approving import decide_in
from decisions.drf import open_because
from decisions.problems import of_tiergate_error, refusal
from decisions.question import Answer
from decisions.sentences import for_person
from isolation.clock import now
from tiergate import Action, NeedKind, Outcome, TiergateError

_MAX_CODE = 32


@open_because("it asks for a session of our own sign-in, and a code that only its person knows")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def activate(request: HttpRequest) -> HttpResponse:
    """Ask for a code, then for the number that the program shows beside it."""
    session = _own_session(request)
    if session is None:
        return _sign_in(request)
    if request.method != "POST":
        return _ask(request, code=request.GET.get("code", ""))
    code, number = request.POST.get("code", "")[:_MAX_CODE], request.POST.get("number", "")
    by: dict[str, Any] = {
        "session": session,
        "code": code,
        "network": authlevels.counted_network(request),
        "at": now(),
    }
    try:
        if not (number.isascii() and number.isdigit()):
            found = authlevels.find_activation(**by)
            return render(request, "decisions/activate_number.html", {"found": found, "code": code})
        found = authlevels.choose_number(number=int(number[:4]), **by)
    except (authlevels.CodeUnknown, authlevels.Throttled) as refused:
        return _ask(request, code="", error=refused)
    where = f"/step-up/{found.ref}" if found.kind == "challenge" else f"/activate/{found.ref}"
    return _see_other(where)


@open_because("the decision on tiergate.approval.grant is asked about the session of whoever agrees")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def agree(request: HttpRequest, approval: str) -> HttpResponse:
    """Show what somebody else asked for, and take a yes or a no to it."""
    session = _own_session(request)
    if session is None:
        return _sign_in(request)
    try:
        if request.method != "POST":
            return _terms(request, authlevels.get_grantable(ref=approval, session=session, at=now()))
        if request.POST.get("answer") == "refuse":
            answer = _decided(request, session, Action.APPROVAL_REFUSE, resource_id=approval)
            if not answer.decision.is_allowed:
                return _refused(request, answer)
            authlevels.refuse_approval(ref=approval, session=session, at=now())
            return _told(request, "It is refused. Whoever asked will see that.")
        return _agreed(request, session, approval)
    except TiergateError as refused:
        return _failed(request, refused)


def _agreed(request: HttpRequest, session: authlevels.Session, approval: str) -> HttpResponse:
    if request.POST.get("answer") != "grant":
        return _terms(request, authlevels.get_grantable(ref=approval, session=session, at=now()))
    grantable = authlevels.get_grantable(ref=approval, session=session, at=now())
    if grantable.is_given:
        return _told(request, "You have agreed.")
    answer = _decided(request, session, Action.APPROVAL_GRANT, approval=grantable)
    if answer.decision.is_allowed:
        authlevels.grant_approval(ref=approval, session=session, binding=answer.binding, at=now())
        return _told(request, "You have agreed.")
    needs = {need.kind for need in answer.decision.needs}
    if answer.decision.outcome != Outcome.STEP_UP or needs != {NeedKind.STEP_UP}:
        return _refused(request, answer)
    opened = authlevels.open_challenge(
        tenant_id=session.tenant_id,
        decision_id=answer.public_id,
        session=session,
        return_to=f"{settings.TIERGATE_BASE_URL}/activate/{approval}",
        own_origin=settings.TIERGATE_BASE_URL,
        at=now(),
    )
    return _see_other(opened.path)


def _decided(request: HttpRequest, session: authlevels.Session, action: Action, **about: Any) -> Answer:
    return decide_in(
        session,
        action,
        asked_by=":".join(session.subject),
        request_id=request.headers.get("X-Request-ID", "")[:128],
        looks=authlevels.told_by(request),
        at=now(),
        **about,
    )


def _own_session(request: HttpRequest) -> authlevels.Session | None:
    principal = authlevels.caller(request)
    return principal.session if isinstance(principal, authlevels.PersonPrincipal) else None


def _sign_in(request: HttpRequest) -> HttpResponse:
    return _see_other(f"/sign-in?{urlencode({'next': request.get_full_path()})}")


def _see_other(url: str) -> HttpResponse:
    response = HttpResponseRedirect(url)
    response.status_code = HTTPStatus.SEE_OTHER
    return response


def _ask(request: HttpRequest, *, code: str, error: TiergateError | None = None) -> HttpResponse:
    # One sentence and status for a code that is not there, is not theirs, or is over.
    status = 200 if error is None else 429 if isinstance(error, authlevels.Throttled) else 400
    context = {"code": code[:_MAX_CODE].replace("\x00", ""), "error": error.detail if error else ""}
    response = render(request, "decisions/activate.html", context, status=status)
    if error is not None and "retry_after" in error.extra:
        response["Retry-After"] = str(error.extra["retry_after"])
    return response


def _terms(request: HttpRequest, grantable: authlevels.Grantable) -> HttpResponse:
    return render(request, "decisions/agree.html", {"about": grantable})


def _refused(request: HttpRequest, answer: Answer) -> HttpResponse:
    status, headers, _body = refusal(answer)
    return _not_now(request, for_person(answer.decision), status, headers)


def _failed(request: HttpRequest, error: TiergateError) -> HttpResponse:
    status, headers, _body = of_tiergate_error(error)
    return _not_now(request, error.detail, status, headers)


def _not_now(request: HttpRequest, sentence: str, status: int, headers: dict[str, str]) -> HttpResponse:
    """Say why it did not go ahead; where waiting helps, with the way back to what was asked."""
    again = ""
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        sentence = "This cannot be answered just now, and nothing was changed. Try again in a moment."
        again = request.path
    response = _told(request, sentence, status=status, again=again)
    if "Retry-After" in headers:
        response["Retry-After"] = headers["Retry-After"]
    return response


def _told(request: HttpRequest, sentence: str, *, status: int = 200, again: str = "") -> HttpResponse:
    shown = {"sentence": sentence, "is_error": status != HTTPStatus.OK, "again": again}
    return render(request, "decisions/agreed.html", shown, status=status)
