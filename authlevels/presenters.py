"""Who presents a proof, taken from a request."""

import secrets
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from authlevels.challenges import Presenter
from authlevels.cookies import browser_cookie_name, set_session_cookie
from authlevels.device_codes import IssuedCode
from authlevels.drf import caller
from authlevels.principals import PersonPrincipal, ServicePrincipal
from authlevels.verification import Passed
from riskengine import api as riskengine


def presenter_of(request: HttpRequest) -> Presenter:
    """Return by which session or credential a request of the API may claim a challenge."""
    principal = caller(request)
    return Presenter(
        session=principal.session if isinstance(principal, PersonPrincipal) else None,
        credential=principal.credential if isinstance(principal, ServicePrincipal) else None,
    )


def browser_presenter_of(request: HttpRequest) -> Presenter:
    """Return by which session or mark a browser on our own page may claim a challenge."""
    return Presenter(session=presenter_of(request).session, browser=held_mark(request))


def held_mark(request: HttpRequest) -> str:
    """Return the mark that a browser holds, or ""."""
    return request.COOKIES.get(browser_cookie_name(), "")[:64]


def browser_mark(request: HttpRequest) -> str:
    """Return the mark that a browser holds, or a new one for it, to be given by ``set_browser_cookie``."""
    return held_mark(request) or f"tgb_{secrets.token_urlsafe(32)}"


def is_session_cookie(request: HttpRequest) -> bool:
    """Say whether the session's secret came by cookie, where it can be replaced unseen."""
    principal = caller(request)
    return isinstance(principal, PersonPrincipal) and principal.by_cookie


def renew_cookie(request: HttpRequest, response: HttpResponse, passed: Passed, *, at: datetime) -> None:
    """Give the browser the secret that replaced its old one when its session was elevated, and its device a mark by the newest key."""
    principal = caller(request)
    if passed.secret is not None and isinstance(principal, PersonPrincipal):
        set_session_cookie(response, passed.secret, expires_at=principal.session.expires_at, at=at)
    device = riskengine.device_in(request, at=at)
    newer = riskengine.renewed_device_token(device) if device and is_session_cookie(request) else None
    if newer is not None:
        riskengine.keep_device_token(response, newer, at=at)


def code_members(issued: IssuedCode | None) -> dict[str, object]:
    """Write a code as RFC 8628 section 3.2 does, with the number to be compared; nothing where there is none."""
    if issued is None:
        return {}
    uri = f"{settings.TIERGATE_BASE_URL}/activate"
    return {
        "user_code": issued.user_code,
        "number": issued.number,
        "verification_uri": uri,
        "verification_uri_complete": f"{uri}?code={issued.user_code}",
        "interval": issued.interval,
    }
