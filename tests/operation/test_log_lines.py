"""Every line of a request and of the tasks behind it can be found by one id, and none of them tells a secret."""

import json
import logging
import os
import subprocess
import sys
import threading
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog
from celery.contrib.testing.worker import start_worker
from django.http import HttpResponseServerError
from django.test import Client, RequestFactory, override_settings
from django.urls import resolve
from django.utils.log import log_response
from structlog.contextvars import bound_contextvars, get_contextvars

from config.celery import app
from tests.decisions.conftest import World

ROOT = Path(__file__).resolve().parents[2]


def lines(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    return [record.msg for record in caplog.records if isinstance(record.msg, dict) and record.msg["event"] == event]


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def test_a_request_leaves_one_line_under_the_id_it_came_with(
    client: Client, world: World, said: pytest.LogCaptureFixture
) -> None:
    client.get("/v1/tenants/acme", headers={"Authorization": f"Bearer {world.acme_key}", "X-Request-ID": "r-17"})
    (line,) = lines(said, "request")
    assert line["request_id"] == "r-17"
    assert line["method"] == "GET"
    assert line["route"] == "/v1/tenants/<str:tenant>"
    assert isinstance(line["ms"], float)


def test_a_line_names_the_decision_that_let_the_request_in_or_out(
    client: Client, world: World, said: pytest.LogCaptureFixture
) -> None:
    answer = client.get("/v1/tenants/acme", headers={"Authorization": f"Bearer {world.acme_key}"})
    (line,) = lines(said, "request")
    assert line["status"] == answer.status_code
    assert line["decision_id"].startswith("dec_")


def test_a_request_without_a_fit_id_gets_one_of_ours(client: Client, db: None, said: pytest.LogCaptureFixture) -> None:
    for shown in ("", "two words", "x" * 129, "a\tb"):
        client.get("/v1/me", headers={"X-Request-ID": shown})
    ids = [line["request_id"] for line in lines(said, "request")]
    assert len(set(ids)) == 4
    assert all(len(one) == 32 and one.isalnum() for one in ids)


def test_nothing_of_one_request_is_on_the_lines_of_the_next(
    client: Client, world: World, said: pytest.LogCaptureFixture
) -> None:
    client.get("/v1/tenants/acme", headers={"Authorization": f"Bearer {world.acme_key}", "X-Request-ID": "r-1"})
    client.get("/v1/me", headers={"X-Request-ID": "r-2"})
    first, second = lines(said, "request")
    assert "decision_id" in first
    assert "decision_id" not in second
    assert "request_id" not in get_contextvars()


def test_neither_path_nor_query_nor_header_is_written_down(
    client: Client, world: World, said: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = world.acme_key
    client.get(f"/v1/tenants/acme/members/user:alice?code=123456&handoff=hof_{secret}")
    client.get(
        f"/no/such/{secret}?x={secret}", headers={"Authorization": f"Bearer {secret}", "Cookie": f"tiergate={secret}"}
    )
    client.post("/v1/sign-in", {"username": "alice", "password": secret}, content_type="application/json")
    told = said.text + capsys.readouterr().err
    assert secret not in told
    assert "alice" not in told
    assert "123456" not in told


def test_what_django_itself_says_of_a_request_names_its_route(db: None) -> None:
    """The link of an invitation has its secret in its path."""
    handler = next(one for one in logging.getLogger().handlers if one.name == "stderr")
    assert isinstance(handler, logging.StreamHandler)
    browser, secret, written = Client(enforce_csrf_checks=True), "Ex_MBMYA_AHrRT2cz9la", StringIO()
    before = handler.setStream(written)
    try:
        for link in (f"/join/acme/{secret}", f"/join/acme/{secret}\u202e"):
            assert browser.post(link, headers={"Accept": "text/html"}).status_code == 403
            request = RequestFactory().get(link)
            request.resolver_match = resolve(request.path)
            log_response("%s: %s", "Broken", request.path, response=HttpResponseServerError(), request=request)
    finally:
        handler.setStream(before)
    told = written.getvalue()
    assert told.count("Forbidden (CSRF cookie not set.): /join/<slug:tenant>/<str:token>") == 2
    assert told.count("Broken: /join/<slug:tenant>/<str:token>") == 2
    assert secret not in told


def test_the_process_that_decides_writes_no_line_for_each(
    client: Client, world: World, said: pytest.LogCaptureFixture
) -> None:
    with override_settings(PROCESS="decide"):
        client.get("/v1/me")
    assert lines(said, "request") == []


@pytest.mark.storm
def test_in_production_each_line_is_one_object() -> None:
    code = (
        "import django; django.setup(); from django.test import Client; import logging; "
        "Client().get('/livez'); Client().get('/nowhere', headers={'Host': 'localhost', 'X-Request-ID': 'r-9'}); "
        "logging.getLogger('other').warning('plain %s', 'words')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "TIERGATE_LOG_FORMAT": "json"},
        capture_output=True,
        text=True,
        check=True,
    )
    request, plain = [json.loads(line) for line in done.stderr.splitlines()]
    assert {request["event"], request["request_id"], request["status"]} == {"request", "r-9", 404}
    assert (plain["event"], plain["level"]) == ("plain words", "warning")


def test_a_task_carries_its_id_and_that_of_the_request_behind_it(db: None) -> None:
    seen: dict[str, Any] = {}
    done = threading.Event()

    @app.task(name="tests.noted", bind=True)  # type: ignore[untyped-decorator]  # Celery carries no types
    def noted(task: Any) -> None:
        seen.update(get_contextvars(), own=task.request.id)
        structlog.get_logger("t").info("noted")
        done.set()

    try:
        with bound_contextvars(request_id="r-42"):
            sent = noted.delay()
        with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=60):
            assert done.wait(60)
    finally:
        del app.tasks["tests.noted"]
    assert seen["request_id"] == "r-42"
    assert seen["task_id"] == seen["own"] == sent.id
