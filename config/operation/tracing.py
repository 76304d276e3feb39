"""Traces, where the settings ask for them: a span of each request and task, and below it its decisions and queries."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from telemetry import api as telemetry

_UNWATCHED: Final = frozenset({"/livez", "/readyz", "/metrics"})
_OUR_FAULT: Final = 500
_MISSING: Final = (
    "TIERGATE_OTEL or OTEL_EXPORTER_OTLP_ENDPOINT asks for traces, and what sends them is not installed: "
    "install tiergate with its extra `otel`."
)

_SPAN: Final = "tiergate.span"

_begun_pid = 0


def begin_tracing() -> None:
    """Send spans from this process from now on, if the settings ask for it; again, it does nothing.

    Where to, how many and with which headers is read by OpenTelemetry itself, from its own variables.

    :raises ImproperlyConfigured: they are asked for, and what sends them is not installed.
    """
    global _begun_pid  # noqa: PLW0603 - one exporter a process
    if not settings.TRACING or _begun_pid == os.getpid():
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - an extra, wanted by few
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - as above
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above
    except ImportError as error:
        raise ImproperlyConfigured(_MISSING) from error
    _begun_pid = os.getpid()
    provider = TracerProvider(resource=Resource.create({"service.name": f"tiergate-{settings.PROCESS}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    telemetry.trace_by(provider)


def traced(application: WSGIApplication) -> WSGIApplication:
    """Return the application, or one that spans each request of it; where nobody traces nothing lies between."""
    begin_tracing()
    return spanned(application) if telemetry.is_tracing() else application


def spanned(application: WSGIApplication) -> WSGIApplication:
    """Span each request, below the caller's span where its headers name one (W3C Trace Context)."""

    def tracing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") in _UNWATCHED:
            return application(environ, start_response)
        named = (("HTTP_TRACEPARENT", "traceparent"), ("HTTP_TRACESTATE", "tracestate"))
        parent = {header: str(environ[key]) for key, header in named if key in environ}
        method = str(environ.get("REQUEST_METHOD", ""))
        with telemetry.span(method, kind="server", parent=parent) as span, sql_spans():
            span.set(http__request__method=method)

            def starting(status: str, *rest: Any) -> Callable[[bytes], object]:
                code = int(status.split(" ", 1)[0])
                span.set(http__response__status_code=code)
                if code >= _OUR_FAULT:
                    span.fail(str(code))
                return start_response(status, *rest)

            environ[_SPAN] = span
            return application(environ, starting)

    return tracing


def name_request_span(environ: WSGIEnvironment, *, method: str, route: str) -> None:
    """Name the span of a request by its route, once that is known."""
    span = environ.get(_SPAN)
    if span is not None:
        span.rename(f"{method} {route}")
        span.set(http__route=route)


@contextmanager
def sql_spans() -> Iterator[None]:
    """Span each query of this thread by its text, in which placeholders stand for the values."""
    if not telemetry.is_tracing():
        yield
        return
    with ExitStack() as wrapped:
        for connection in connections.all():
            wrapped.enter_context(connection.execute_wrapper(_spanned_query))
        yield


def _spanned_query(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 - as Django calls it
    with telemetry.span(sql.split(None, 1)[0] if sql.strip() else "query", kind="client") as span:
        span.set(db__system__name="postgresql", db__query__text=sql, db__namespace=context["connection"].alias)
        return execute(sql, params, many, context)
