"""The try-it page: a reader meets a refusal of their own and turns it into an allow. It works without scripts."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from msgspec import json as msgjson

from authlevels import api as authlevels
from decisions import api as decisions
from isolation.clock import now
from sample.guests import welcome_guest
from sample.reports import get_report
from tiergate import Action, NeedKind, SessionFacts, TiergateError

type Page = Callable[..., HttpResponseBase]

_HERE: Final = "/northwind/try"
_ACTION: Final = "exports.create_regulated"
_REPORT: Final = "people"


def _open_page(page: Page) -> Page:
    return decisions.open_because("it decides about the caller itself, and shows them the answer")(_in_the_demo(page))


def _in_the_demo(page: Page) -> Page:
    @never_cache
    def shown(request: HttpRequest) -> HttpResponseBase:
        if not settings.TIERGATE_DEMO:
            raise Http404
        return page(request)

    return shown


@_open_page
@require_GET
def try_it(request: HttpRequest) -> HttpResponse:
    """Show what stands between the reader and the export, and the next step."""
    return _page(request)


@_open_page
@require_POST
def become_guest(request: HttpRequest) -> HttpResponse:
    """Make the reader a guest with an account of their own."""
    at = now()
    try:
        session, secret = welcome_guest(
            network=authlevels.counted_network(request), user_agent=request.headers.get("User-Agent", ""), at=at
        )
    except TiergateError as error:
        return _page(request, error=error.detail, status=429 if isinstance(error, authlevels.Throttled) else 503)
    response = _back()
    authlevels.set_session_cookie(response, secret, expires_at=session.expires_at, at=at)
    return response


@_open_page
@require_POST
def enrol(request: HttpRequest) -> HttpResponse:
    """Show what the reader's authenticator app needs, this once."""
    session = _session_for_factors(request)
    if not isinstance(session, authlevels.Session):
        return session
    at = now()
    try:
        begun = authlevels.begin_totp_enrolment(session=session, facts=_facts(session, at), at=at)
    except TiergateError as error:
        return _page(request, error=error.detail, status=409)
    return _page(request, enrolment=begun)


@_open_page
@require_POST
def confirm(request: HttpRequest) -> HttpResponse:
    """Confirm the authenticator with its first code."""
    session = _session_for_factors(request)
    if not isinstance(session, authlevels.Session):
        return session
    at = now()
    try:
        authlevels.confirm_totp_enrolment(
            session=session, facts=_facts(session, at), code=request.POST.get("code", "")[:16], at=at
        )
    except (authlevels.WrongCode, authlevels.CodeAlreadyUsed, authlevels.Throttled) as error:
        return _page(request, error=error.detail, is_confirming=True, status=400)
    except TiergateError as error:
        return _page(request, error=error.detail, status=409)
    return _back()


@_open_page
@require_POST
def step_up(request: HttpRequest) -> HttpResponse:
    """Begin the step-up that the refusal calls for, and send the reader there."""
    session = _session_of(request)
    if session is None:
        return _back()
    answer = _ask(request)
    if answer.decision.is_allowed:
        return _back()
    try:
        opened = authlevels.open_challenge(
            tenant_id=session.tenant_id,
            session=session,
            decision_id=answer.public_id,
            return_to=request.build_absolute_uri(_HERE),
            own_origin=f"{request.scheme}://{request.get_host()}",
            at=now(),
        )
    except TiergateError as error:
        return _page(request, error=error.detail, status=409)
    return _see_other(opened.path)


@_open_page
@require_POST
def export(request: HttpRequest) -> HttpResponse:
    """Show the report if the decision, asked for anew, allows it; otherwise the page says why not."""
    session = _session_of(request)
    if session is None or not _ask(request).decision.is_allowed:
        return _page(request, status=403)
    return _page(request, report=get_report(session.tenant_id, _REPORT))


@_open_page
@require_POST
def end_task(request: HttpRequest) -> HttpResponse:
    """End what the reader is elevated for: the next request is refused again."""
    session = _session_of(request)
    if session is not None:
        presenter = authlevels.Presenter(session=session)
        for elevation in authlevels.list_elevations(session=session, at=now()):
            if elevation.action == _ACTION:
                authlevels.end_elevation(ref=elevation.id, presenter=presenter, at=now())
    return _back()


def _page(request: HttpRequest, *, status: int = 200, **shown: Any) -> HttpResponse:
    session = _session_of(request)
    context: dict[str, Any] = {"session": session, "action": _ACTION, "report_id": _REPORT, **shown}
    if session is not None:
        context |= _refusal_or_allow(request, session)
    return render(request, "sample/try.html", context, status=status)


def _refusal_or_allow(request: HttpRequest, session: authlevels.Session) -> dict[str, Any]:
    try:
        answer = _ask(request)
    except TiergateError as error:
        return {"sentence": error.detail}
    if answer.decision.is_allowed:
        at = now()
        live = [one for one in authlevels.list_elevations(session=session, at=at) if one.action == _ACTION]
        until = max((one.expires_at for one in live), default=answer.decision.next_change_at)
        return {
            "is_allowed": True,
            "until": until,
            "seconds_left": int((until - at).total_seconds()) if until else None,
        }
    status, headers, problem = decisions.refusal(answer)
    kinds = {need.kind for need in answer.decision.needs}
    return {
        "sentence": decisions.for_person(answer.decision),
        "status": status,
        "headers": headers,
        "problem": msgjson.format(msgjson.encode(problem), indent=2).decode(),
        "needs_factor": NeedKind.ENROL in kinds,
        "needs_proof": NeedKind.STEP_UP in kinds and NeedKind.UPGRADE not in kinds,
    }


def _ask(request: HttpRequest) -> decisions.Answer:
    return decisions.decide_for(request, _ACTION, resource=decisions.Entity(type="report", id=_REPORT))


def _session_for_factors(request: HttpRequest) -> authlevels.Session | HttpResponse:
    """Return the reader's session if it may change factors, else the page that says why not."""
    session = _session_of(request)
    if session is None:
        return _back()
    answer = decisions.decide_for(request, Action.FACTORS_MANAGE)
    if answer.decision.is_allowed:
        return session
    return _page(request, error=decisions.for_person(answer.decision), status=403)


def _session_of(request: HttpRequest) -> authlevels.Session | None:
    principal = authlevels.caller(request)
    return principal.session if isinstance(principal, authlevels.PersonPrincipal) else None


def _facts(session: authlevels.Session, at: datetime) -> SessionFacts:
    return authlevels.session_facts(tenant_id=session.tenant_id, session=session.id, subject=session.subject, at=at)


def _back() -> HttpResponseRedirect:
    return _see_other(_HERE)


def _see_other(url: str) -> HttpResponseRedirect:
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response
