"""Where traces are wanted, a request is one tree of spans, below the caller's; where not, nothing is made."""

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from django.test import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from config.celery import app
from config.operation.tracing import spanned, traced
from config.wsgi import application
from telemetry import api as telemetry
from tests.decisions.asking import body
from tests.decisions.conftest import World

ROOT = Path(__file__).resolve().parents[2]
TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Trace into memory, at once."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    telemetry.trace_by(provider)
    yield kept
    telemetry.trace_by(None)


def named(kept: InMemorySpanExporter, name: str) -> ReadableSpan:
    (found,) = [one for one in kept.get_finished_spans() if one.name == name]
    return found


def below(kept: InMemorySpanExporter, span: ReadableSpan) -> list[ReadableSpan]:
    context = span.get_span_context()
    assert context is not None
    return [
        one for one in kept.get_finished_spans() if one.parent is not None and one.parent.span_id == context.span_id
    ]


def ask(path: str, *, method: str = "GET", content: bytes = b"", **headers: str) -> str:
    """Ask the application that is served, as granian does; gives the status."""
    told: list[str] = []
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_HOST": "localhost",
        "wsgi.input": io.BytesIO(content),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
        "CONTENT_LENGTH": str(len(content)),
        "CONTENT_TYPE": "application/json",
        **headers,
    }

    def start(status: str, _headers: Any, *_rest: Any) -> Any:
        told.append(status)

    list(spanned(application)(environ, start))
    return told[0]


def test_a_request_is_a_tree_below_the_callers_span(spans: InMemorySpanExporter, world: World) -> None:
    status = ask(
        "/v1/tenants/acme",
        HTTP_AUTHORIZATION=f"Bearer {world.acme_key}",
        HTTP_TRACEPARENT=f"00-{TRACE}-{CALLER}-01",
    )
    request = named(spans, "GET /v1/tenants/<str:tenant>")
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == CALLER
    assert request.attributes is not None
    assert request.attributes["http.response.status_code"] == int(status.split()[0])
    decision = named(spans, "decision")
    assert decision in below(spans, request)
    assert {f"{one.context.trace_id:032x}" for one in spans.get_finished_spans() if one.context} == {TRACE}
    queries = [one for one in spans.get_finished_spans() if "db.query.text" in (one.attributes or {})]
    assert queries


def test_a_decision_says_how_it_came_out_and_of_what_version(spans: InMemorySpanExporter, world: World) -> None:
    ask(
        "/access/v1/evaluation",
        method="POST",
        content=json.dumps(body(session=world.asserted())).encode(),
        HTTP_AUTHORIZATION=f"Bearer {world.acme_key}",
    )
    found = named(spans, "decision").attributes or {}
    assert found["tiergate.outcome"] == "allow"
    assert {"tiergate.reason", "tiergate.tenant", "tiergate.snapshot", "tiergate.policy"} <= set(found)


def test_no_span_holds_a_person_a_secret_or_a_value_of_a_query(spans: InMemorySpanExporter, world: World) -> None:
    handle = world.asserted()
    ask(
        "/v1/tenants/acme/members/user:alice",
        HTTP_AUTHORIZATION=f"Bearer {world.acme_key}",
        QUERY_STRING="code=no-span-holds-this",
        HTTP_COOKIE=f"tiergate={world.acme_key}",
    )
    told = " ".join(one.to_json() for one in spans.get_finished_spans())
    assert spans.get_finished_spans()
    for secret in ("alice", "no-span-holds-this", world.acme_key, handle):
        assert secret not in told


def test_an_exception_marks_its_span_by_its_name_alone(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="alice"), telemetry.span("work"):
        raise ValueError("alice")
    failed = named(spans, "work")
    assert not failed.status.is_ok
    assert (failed.attributes or {})["error.type"] == "ValueError"
    assert "alice" not in failed.to_json()


def test_probes_leave_no_spans(spans: InMemorySpanExporter, readiness: None) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        assert ask(path).startswith("200")
    assert spans.get_finished_spans() == ()


def test_a_task_goes_on_in_the_trace_of_the_request_behind_it(spans: InMemorySpanExporter, db: None) -> None:
    done = threading.Event()

    @app.task(name="tests.spanned")  # type: ignore[untyped-decorator]  # Celery carries no types
    def noted() -> None:
        done.set()

    try:
        with telemetry.span("request"):
            noted.delay()
        with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=60):
            assert done.wait(60)
    finally:
        del app.tasks["tests.spanned"]
    task = named(spans, "task tests.spanned")
    assert task in below(spans, named(spans, "request"))


def test_where_nobody_traces_nothing_lies_between(client: Client) -> None:
    def served(_environ: Any, _start: Any) -> list[bytes]:
        return []

    assert not telemetry.is_tracing()
    assert traced(served) is served
    assert telemetry.span("a") is telemetry.span("b")
    assert telemetry.outgoing() == {}


@pytest.mark.storm
def test_off_is_off_all_the_way_down() -> None:
    code = (
        "import django; django.setup(); import config.wsgi, sys; "
        # redis-py imports the rest of it by itself, wherever it is installed.
        "print(any(m.startswith(('opentelemetry.exporter', 'opentelemetry.sdk.trace')) for m in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"


@pytest.mark.storm
def test_a_collector_is_sent_what_was_done(db: None) -> None:
    received: list[bytes] = []
    arrived = threading.Event()

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()
            arrived.set()

        def log_message(self, *_args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        code = (
            "import config.wsgi as w; "
            "e = {'REQUEST_METHOD': 'GET', 'PATH_INFO': '/v1/me', 'SERVER_NAME': 'localhost', 'SERVER_PORT': '80', "
            "'wsgi.input': __import__('io').BytesIO(), 'wsgi.url_scheme': 'http'}; "
            "list(w.application(e, lambda *a: None))"
        )
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}"},
            capture_output=True,
            check=True,
        )
        assert arrived.wait(60)
        server.shutdown()
    resource = ExportTraceServiceRequest.FromString(received[0]).resource_spans[0]
    assert "tiergate-web" in {one.value.string_value for one in resource.resource.attributes}
    assert "GET /v1/me" in {one.name for scope in resource.scope_spans for one in scope.spans}
