"""What every request of Django's goes through first: the probes' short way, and the ids, the line and the figures."""

import re
import time
from collections.abc import Callable
from typing import Final
from uuid import uuid4

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from prometheus_client import Counter, Histogram
from structlog.contextvars import bind_contextvars, clear_contextvars

from config.operation.logs import route_of
from config.operation.probes import livez, metrics, readyz
from config.operation.tracing import name_request_span
from telemetry import api as telemetry

type Handler = Callable[..., HttpResponseBase]

REQUESTS: Final = Counter(
    "tiergate_http_requests_total", "Requests that Django answered.", ["route", "method", "status"]
)
SECONDS: Final = Histogram(
    "tiergate_http_request_seconds",
    "From the first middleware to the whole answer.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)

_PROBES: Final[dict[str, Handler]] = {"/livez": livez, "/readyz": readyz, "/metrics": metrics}
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUEST_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_OUR_FAULT: Final = 500

_log = structlog.get_logger("tiergate.access")


class Probes:
    """Answers the probes before anything else looks at them.

    Whoever supervises asks by the machine's own address, which is none of ALLOWED_HOSTS: since no host, cookie or
    credential plays a part in these answers, none is looked at, and every other address stays as strict as it is.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a probe, or go on."""
        probe = _PROBES.get(request.path_info)
        return self.get_response(request) if probe is None else probe(request)


class Observed:
    """Binds the request's id to every line of its log, writes one line on how it ended, and counts it.

    The line names the route and never the path: addresses hold people's ids, and single-use codes in their queries.
    Where decisions alone are answered there is no line either: their records are in the trail.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Go on inside the request's id."""
        telemetry.begin()
        shown = request.META.get("HTTP_X_REQUEST_ID", "")
        began = time.perf_counter()
        clear_contextvars()
        bind_contextvars(request_id=shown if _REQUEST_ID.fullmatch(shown) else uuid4().hex)
        try:
            response = self.get_response(request)
            _tell(request, response, seconds=time.perf_counter() - began)
        finally:
            clear_contextvars()
        return response


def _tell(request: HttpRequest, response: HttpResponseBase, *, seconds: float) -> None:
    route, status = route_of(request), response.status_code
    method = request.method if request.method in _METHODS else "other"
    REQUESTS.labels(route, method, status).inc()
    SECONDS.labels(route).observe(seconds)
    if telemetry.is_tracing():
        name_request_span(request.META, method=method, route=route)
    if settings.PROCESS != "decide":
        say = _log.warning if status >= _OUR_FAULT else _log.info
        say("request", method=method, route=route, status=status, ms=round(seconds * 1000, 2))
