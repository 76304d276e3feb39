"""The two cookies: a session's secret, and the mark of a browser that took a hand-off or has a request waiting."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.http import HttpResponse

BROWSER_LIVES: Final = timedelta(hours=1)


def session_cookie_name() -> str:
    """Return the name of the session cookie; over https one that no other host can set."""
    return "__Host-tiergate" if settings.SESSION_COOKIE_SECURE else "tiergate"


def browser_cookie_name() -> str:
    """Return the name of the cookie that marks a browser for the challenges it took and the requests it made."""
    return "__Host-tiergate-browser" if settings.SESSION_COOKIE_SECURE else "tiergate-browser"


def set_session_cookie(response: HttpResponse, secret: str, *, expires_at: datetime, at: datetime) -> None:
    """Give the browser a session's secret until the session ends."""
    _set(response, session_cookie_name(), secret, expires_at - at)


def set_browser_cookie(response: HttpResponse, mark: str) -> None:
    """Mark a browser, from now on for an hour."""
    _set(response, browser_cookie_name(), mark, BROWSER_LIVES)


def drop_session_cookie(response: HttpResponse) -> None:
    """Take the session's secret from the browser."""
    response.delete_cookie(session_cookie_name(), path="/", samesite="Lax")
    if settings.SESSION_COOKIE_SECURE:
        # A browser ignores a __Host- cookie without Secure, also one that deletes.
        response.cookies[session_cookie_name()]["secure"] = True


def _set(response: HttpResponse, name: str, value: str, lives: timedelta) -> None:
    response.set_cookie(
        name,
        value,
        max_age=int(lives.total_seconds()),
        path="/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
