"""The page on which a person confirms an action.

For an own session it is answered in the browser that sends the session's cookie. For an asserted one, in the browser
that opened the link first; the product then hears by a code that it was the one which began.
"""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from authlevels.challenge_fields import readable_fields, readable_text
from authlevels.challenge_refusal import refuse_challenge
from authlevels.challenges import Presenter, ShownChallenge, hand_off, show_challenge
from authlevels.client_address import counted_network
from authlevels.cookies import set_browser_cookie
from authlevels.drf import caller
from authlevels.errors import (
    ChallengeClosed,
    ChallengeNotFound,
    CodeAlreadyUsed,
    MethodUnavailable,
    PasskeyCloned,
    PasskeyRefused,
    Throttled,
    WrongBrowser,
    WrongCode,
)
from authlevels.forms import PasskeyForm, PasswordForm, TotpForm
from authlevels.looks import told_by
from authlevels.methods import ChallengeMethod
from authlevels.network_attempts import counted_attempt
from authlevels.origins import normal_origin
from authlevels.pages import open_page, see_other
from authlevels.pages_resume import CONFIRMED
from authlevels.presenters import browser_presenter_of, held_mark, is_session_cookie, renew_cookie
from authlevels.principals import PersonPrincipal
from authlevels.public_ids import parse_suspended_ref
from authlevels.verification import Passed, verify
from isolation.clock import now
from tiergate import TiergateError

_OURS = ("challenge", "state", "code", "error")
_JUDGED = (
    WrongCode,
    CodeAlreadyUsed,
    MethodUnavailable,
    ChallengeClosed,
    Throttled,
    PasskeyRefused,
    PasskeyCloned,
)
_FORMS = {ChallengeMethod.TOTP: TotpForm, ChallengeMethod.PASSWORD: PasswordForm, ChallengeMethod.PASSKEY: PasskeyForm}


@open_page("the challenge itself asks for its session or for the browser that took the hand-off")
@never_cache
@require_http_methods(["GET", "POST"])
def step_up(request: HttpRequest, challenge: str) -> HttpResponse:
    """Take a hand-off, show what is being confirmed, or judge what the person shows."""
    if request.method == "GET" and "handoff" in request.GET:
        return _take_hand_off(request, challenge)
    presenter = browser_presenter_of(request)
    try:
        if request.method == "POST" and "refuse" in request.POST:
            return _not_me(request, challenge, presenter)
        if request.method == "POST":
            return _judge(request, challenge, presenter)
        shown = show_challenge(ref=challenge, presenter=presenter, at=now())
    except (ChallengeNotFound, WrongBrowser):
        return render(request, "authlevels/wrong_browser.html", status=403)
    return _page(request, shown)


def with_answer(return_to: str, *, challenge: str, state: str, code: str = "", error: str = "") -> str:
    """Return the product's address with ``challenge``, ``state``, ``code`` and ``error`` as its query parameters."""
    parts = urlsplit(return_to)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in _OURS]
    added = [(name, value) for name, value in zip(_OURS, (challenge, state, code, error), strict=True) if value]
    return urlunsplit(parts._replace(query=urlencode([*kept, *added])))


def _take_hand_off(request: HttpRequest, challenge: str) -> HttpResponse:
    try:
        mark = hand_off(ref=challenge, handoff=request.GET["handoff"][:64], browser=held_mark(request), at=now())
    except (ChallengeNotFound, WrongBrowser):
        # The browser that took it may open the link again: it is let in by its own mark.
        return see_other(f"/step-up/{challenge}")
    response = see_other(f"/step-up/{challenge}")
    set_browser_cookie(response, mark)
    return response


def _judge(request: HttpRequest, challenge: str, presenter: Presenter) -> HttpResponse:
    at = now()
    try:
        method = ChallengeMethod(request.POST.get("method", ""))
    except ValueError:
        method = ChallengeMethod.TOTP
    form = _FORMS[method](request.POST)
    if not form.is_valid():
        shown = show_challenge(ref=challenge, presenter=presenter, at=at)
        return _page(request, shown, error="Enter what is asked for.", status=400)
    given = next(iter(form.cleaned_data.values()))
    is_passkey = method == ChallengeMethod.PASSKEY
    try:
        with counted_attempt(counted_network(request), at=at):
            result = verify(
                ref=challenge,
                method=method,
                code="" if is_passkey else given,
                credential=given if is_passkey else None,
                presenter=presenter,
                at=at,
                renew_secret=is_session_cookie(request),
                told=told_by(request),
            )
    except _JUDGED as refused:
        return _refused(request, challenge, presenter, refused)
    shown = show_challenge(ref=challenge, presenter=presenter, at=at)
    if not isinstance(result, Passed):
        return _page(request, shown, is_half=True)
    waiting = _waiting(request)
    if waiting:
        response: HttpResponse = see_other(f"/step-up/resume/{waiting}?{CONFIRMED}")
    elif result.return_to:
        back = with_answer(result.return_to, challenge=challenge, state=result.state, code=result.code)
        response = see_other(back)
    else:
        response = _page(request, shown)
    renew_cookie(request, response, result, at=at)
    return response


def _not_me(request: HttpRequest, challenge: str, presenter: Presenter) -> HttpResponse:
    """Close what the person says is not theirs."""
    at, error, status = now(), "", 200
    try:
        refuse_challenge(ref=challenge, presenter=presenter, at=at)
    except ChallengeClosed as closed:
        error, status = closed.detail, 409
    return _page(request, show_challenge(ref=challenge, presenter=presenter, at=at), error=error, status=status)


def _waiting(request: HttpRequest) -> str:
    """Return the request that waits for this confirmation, or "": its own page asks whose it is."""
    named = request.GET.get("resume", "")
    return named if parse_suspended_ref(named) else ""


def _refused(request: HttpRequest, challenge: str, presenter: Presenter, refused: TiergateError) -> HttpResponse:
    shown = show_challenge(ref=challenge, presenter=presenter, at=now())
    status = 429 if isinstance(refused, Throttled) else 409 if isinstance(refused, ChallengeClosed) else 400
    response = _page(request, shown, error=refused.detail, status=status)
    if isinstance(refused, Throttled):
        response["Retry-After"] = str(refused.extra["retry_after"])
    return response


def _page(
    request: HttpRequest, shown: ShownChallenge, *, error: str = "", status: int = 200, is_half: bool = False
) -> HttpResponse:
    waiting = _waiting(request) if shown.state == "passed" else ""
    refused = "access_denied" if shown.state == "refused" else ""
    back = ""
    if shown.return_to:
        back = with_answer(shown.return_to, challenge=shown.id, state=shown.return_state, error=refused)
    context: dict[str, Any] = {
        "shown": shown,
        "resource_id": readable_text(str(shown.display["resource"]["id"])),
        "fields": readable_fields(shown.display),
        "is_own": isinstance(caller(request), PersonPrincipal),
        "is_half": is_half,
        "tried": request.POST.get("method", ""),
        "methods": [method.value for method in shown.methods],
        "error": error,
        "back": f"/step-up/resume/{waiting}?{CONFIRMED}" if waiting else back,
    }
    response = render(request, "authlevels/step_up.html", context, status=status)
    if back and shown.state == "open":
        # Browsers hold a form's redirects to form-action: the way back to the product is named.
        policy: dict[str, Any] = dict(settings.SECURE_CSP)
        policy["form-action"] = [*policy["form-action"], normal_origin(shown.return_to)]
        response._csp_config = policy  # type: ignore[attr-defined]  # noqa: SLF001 - what csp_override sets
    return response
