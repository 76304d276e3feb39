"""Where the ``type`` of a problem leads: a page for each code, and a list of them (RFC 9457 section 3.1.1)."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from decisions.drf import open_because
from decisions.problem_codes import ERRORS, REASONS

_OPEN = "It says what codes mean, and holds nobody's data."


@open_because(_OPEN)
@require_safe
def problems(request: HttpRequest) -> HttpResponse:
    """List every code, with what it means."""
    lists = (("Problems", ERRORS.values()), ("Reasons of decisions", REASONS.values()))
    return render(request, "decisions/problems.html", {"lists": lists})


@open_because(_OPEN)
@require_safe
def problem(request: HttpRequest, code: str) -> HttpResponse:
    """Say what a code means, and what to do about it."""
    meanings = [table[code] for table in (REASONS, ERRORS) if code in table]
    if not meanings:
        raise Http404
    return render(request, "decisions/problem.html", {"title": meanings[0].title, "code": code, "meanings": meanings})
