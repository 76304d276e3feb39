"""What Django itself answers when no view does: a problem for programs, a page for browsers."""

import sys

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views import defaults

from decisions.problems import problem_response

# Plain, since a template might need what is just missing.
_UNAVAILABLE_PAGE = (
    '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width, initial-scale=1">'
    "<title>Not available just now</title><h1>Not available just now</h1>"
    "<p>Nothing was changed. Try again in a moment.</p></html>"
)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Refuse what Django will not read at all: a body too large, a host that is not ours."""
    if _is_browser(request):
        return defaults.bad_request(request, exception)
    return problem_response(400, code="bad_request", detail="The request cannot be read.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Refuse what a plain view forbids."""
    if _is_browser(request):
        return defaults.permission_denied(request, exception)
    return problem_response(403, code="permission_denied", detail="This is not allowed.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that no address matches."""
    if _is_browser(request):
        return defaults.page_not_found(request, exception)
    return problem_response(404, code="not_found", detail="There is nothing here.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Say that something went wrong, and nothing of what it was; without its database, that it is worth a retry."""
    if isinstance(sys.exception(), DatabaseError):
        headers = {"Retry-After": "1"}
        if _is_browser(request):
            return HttpResponse(_UNAVAILABLE_PAGE, status=503, headers=headers)
        detail = "This cannot be answered just now; try again."
        return problem_response(503, code="unavailable", detail=detail, headers=headers)
    if _is_browser(request):
        return defaults.server_error(request)
    return problem_response(500, code="internal_error", detail="Something went wrong on our side; it is logged.")


def _is_browser(request: HttpRequest) -> bool:
    # A program that accepts anything gets what programs read.
    return any(one.main_type == "text" and one.sub_type == "html" for one in request.accepted_types)
