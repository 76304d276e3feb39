"""`/livez`, `/readyz` and `/metrics`, as whoever runs the installation asks them."""

import secrets
from dataclasses import asdict
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from config.operation.readiness import readiness
from decisions.api import open_because
from telemetry import api as telemetry

_UNREADABLE: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@open_because("A supervisor asks whether the process answers; it says nothing else.")
def livez(request: HttpRequest) -> HttpResponse:
    """Answer, and touch nothing else: a process that cannot is to be ended."""
    if request.method not in {"GET", "HEAD"}:
        return _not_allowed()
    return JsonResponse({"status": "alive"}, headers=_UNREADABLE)


@open_because("A load balancer asks whether to send requests here; it is told which checks fail, and nothing of why.")
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer whether this process can serve: 200, or 503 with the checks that failed."""
    if request.method not in {"GET", "HEAD"}:
        return _not_allowed()
    found = readiness()
    document = {
        "status": "ready" if found.is_ready else "not ready",
        "process": settings.PROCESS,
        "checks": asdict(found),
    }
    return JsonResponse(document, status=200 if found.is_ready else 503, headers=_UNREADABLE)


@open_because("A scraper shows TIERGATE_METRICS_TOKEN; without one the page is there for the embedded services alone.")
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with the figures in Prometheus' text format, to whoever may read them."""
    if not settings.METRICS_TOKEN and not settings.EMBEDDED:
        return HttpResponse(status=404, headers=_UNREADABLE)
    if settings.METRICS_TOKEN and not _shows_token(request):
        return HttpResponse(status=401, headers={**_UNREADABLE, "WWW-Authenticate": 'Bearer realm="metrics"'})
    if request.method not in {"GET", "HEAD"}:
        return _not_allowed()
    return HttpResponse(telemetry.exposition(), content_type=telemetry.CONTENT_TYPE, headers=_UNREADABLE)


def _shows_token(request: HttpRequest) -> bool:
    scheme, _, shown = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    is_right = secrets.compare_digest(shown.strip().encode(errors="replace"), settings.METRICS_TOKEN.encode())
    return is_right and scheme.lower() == "bearer"


def _not_allowed() -> HttpResponse:
    return HttpResponse(status=405, headers={**_UNREADABLE, "Allow": "GET, HEAD"})
