"""Letting a browser's earlier request go on in the place of the one that asked for it."""

from collections.abc import Callable
from io import BytesIO
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token

from authlevels.suspended import Original

KEPT_HEADERS: Final = (
    "HTTP_ACCEPT",
    "HTTP_IDEMPOTENCY_KEY",
    "HTTP_IF_MATCH",
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_UNMODIFIED_SINCE",
    "HTTP_PREFER",
)
"""The headers without which a request would mean something else; who asks is said by the browser that goes on."""
_ANEW: Final = frozenset(
    {"CSRF_COOKIE", "CSRF_COOKIE_NEEDS_UPDATE", "HTTP_AUTHORIZATION", "HTTP_X_REQUEST_ID", "RAW_URI", "REQUEST_URI"}
)


class Replays:
    """Sends the earlier request that a view named through every middleware and door below, and answers with its answer.

    It goes with the cookies of the request that asked, and with a token against forgery that was just checked: it is
    let in, or refused, as if the browser sent it now.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or let the earlier request be answered instead."""
        response = self.get_response(request)
        original: Original | None = getattr(request, "replay", None)
        return response if original is None else self.get_response(_again(request, original))


def replay_instead(request: HttpRequest, original: Original) -> HttpResponse:
    """Name the earlier request that goes on in this one's place; what is returned is seen by nobody."""
    request.replay = original  # type: ignore[attr-defined]  # read by `Replays`
    return HttpResponse(status=204)


def _again(request: HttpRequest, original: Original) -> HttpRequest:
    path, _, query = original.path.partition("?")
    environ: dict[str, Any] = {
        name: value for name, value in request.META.items() if name not in _ANEW and name not in KEPT_HEADERS
    }
    token = get_token(request)
    environ |= {
        **{name: value for name, value in original.headers.items() if name in KEPT_HEADERS},
        "REQUEST_METHOD": original.method,
        "PATH_INFO": unquote_to_bytes(path.removeprefix(str(environ.get("SCRIPT_NAME", "")))).decode("latin-1"),
        "QUERY_STRING": query,
        "CONTENT_TYPE": original.content_type,
        "CONTENT_LENGTH": str(len(original.body)),
        "wsgi.input": BytesIO(original.body),
        "HTTP_X_CSRFTOKEN": token,
    }
    return WSGIRequest(environ)
