"""A browser's refused request waits for the step-up that would make it an allow, instead of being lost."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, UnreadablePostError
from msgspec import json as msgjson

from authlevels import api as authlevels
from decisions.answers import challenge_members
from decisions.problems import PROBLEM_TYPE, problem_response
from decisions.question import Answer
from isolation.clock import now

_UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class SuspendsRefused:
    """Keeps what a person's browser asked and was refused for want of a proof alone.

    A page is sent on to the step-up, and a script told where that is, by a member ``resume`` of the refusal. What
    only reads is kept for a page alone: a script may ask it again. Callers that keep their secret themselves go on
    by themselves.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer; where a door refused, so that the request goes on once the person has confirmed."""
        session = _browsers_session(request)
        if session is None or (request.method != "GET" and request.method not in _UNSAFE):
            return self.get_response(request)
        try:
            body = _body(request)
        except UnreadablePostError:
            return problem_response(400, code="bad_request", detail="The request cannot be read.")
        response = self.get_response(request)
        answer = refused_answer(request)
        if body is None or answer is None or not _is_mendable(answer, session):
            return response
        return _suspended(request, response, session, answer, body)


def mark_refused(request: HttpRequest, answer: Answer) -> None:
    """Say that a door refused this request, so that it may wait for what the answer asks."""
    request.refused = answer  # type: ignore[attr-defined]  # read by `SuspendsRefused`


def refused_answer(request: HttpRequest) -> Answer | None:
    """Return with which answer a door refused a request; None where none did."""
    found: Answer | None = getattr(request, "refused", None)
    return found


def is_page(request: HttpRequest) -> bool:
    """Say whether a page of a browser asks: its script accepts anything, or names what it reads."""
    return any(one.main_type == "text" and one.sub_type == "html" for one in request.accepted_types)


def _suspended(
    request: HttpRequest, response: HttpResponse, session: authlevels.Session, answer: Answer, body: bytes
) -> HttpResponse:
    for_page = is_page(request)
    if request.method == "GET" and not for_page:
        return response
    original = authlevels.Original(
        method=request.method or "",
        path=request.get_full_path(),
        content_type=request.META.get("CONTENT_TYPE", ""),
        headers={name: request.META[name] for name in authlevels.KEPT_HEADERS if name in request.META},
        body=body,
        for_page=for_page,
    )
    mark = authlevels.browser_mark(request)
    ref = authlevels.suspend_request(
        session=session, browser=mark, decision_id=answer.public_id, original=original, at=now()
    )
    if ref is None:
        return response
    path = f"/step-up/resume/{ref}"
    if for_page:
        onward = HttpResponseRedirect(path)
        onward.status_code = HTTPStatus.SEE_OTHER
        authlevels.set_browser_cookie(onward, mark)
        return onward
    if response.headers.get("Content-Type") == PROBLEM_TYPE:
        problem = msgjson.decode(response.content)
        problem["resume"] = {"id": ref, "href": f"{settings.TIERGATE_BASE_URL}{path}"}
        response.content = msgjson.encode(problem)
        authlevels.set_browser_cookie(response, mark)
    return response


def _is_mendable(answer: Answer, session: authlevels.Session) -> bool:
    """Say whether a confirmation of this very session is all that is missing."""
    is_its_own = answer.home == session.tenant_id and answer.question.context.session == session.handle
    return is_its_own and "challenge" in challenge_members(answer)


def _browsers_session(request: HttpRequest) -> authlevels.Session | None:
    principal = authlevels.caller(request)
    if isinstance(principal, authlevels.PersonPrincipal) and principal.by_cookie:
        return principal.session
    return None


def _body(request: HttpRequest) -> bytes | None:
    """Read what a known person sends, before a view does; None where it is too much to be kept.

    :raises UnreadablePostError: it broke off.
    """
    if request.method == "GET":
        return b""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isascii() or not length.isdigit() or int(length) > authlevels.MAX_SUSPENDED_BODY:
        return None
    return request.body
