"""Who runs the installation learns what a process can do, quickly, whatever hangs, and learns nothing else."""

import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from django.test import Client, override_settings

from config.operation import readiness as probing
from config.operation.middleware import Probes
from telemetry import looks as looks_of_telemetry
from tests.conftest import PATIENCE

ALL_WELL = {"database": "ok", "migrations": "ok", "valkey": "ok", "risk_data": "ok"}


@pytest.fixture
def silent_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Listen as a paused server does: connections are made, and nothing is ever said."""
    path = tmp_path_factory.mktemp("s") / "v"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(16)
        yield f"unix://{path}?db=0"


def test_a_process_that_answers_is_alive_and_touches_nothing(client: Client) -> None:
    # No database is allowed in this test, and none is asked for.
    answer = client.get("/livez", headers={"Host": "10.42.0.17:8000", "Cookie": "tiergate=tgs_x"})
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


def test_a_process_that_can_serve_is_ready(client: Client, readiness: None) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "process": "web", "checks": ALL_WELL}
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_a_supervisor_asks_by_an_address_that_is_no_host_of_ours(client: Client, readiness: None, path: str) -> None:
    assert client.get(path, headers={"Host": "10.42.0.17:8000"}).status_code == 200


def test_no_other_address_is_answered_under_a_strange_host(client: Client, readiness: None) -> None:
    for path in ("/v1/me", "/livez/", "/readyz/x", "//livez", "/sign-in", "/.well-known/authzen-configuration"):
        assert client.get(path, headers={"Host": "10.42.0.17:8000"}).status_code == 400, path


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_a_probe_is_only_read(client: Client, readiness: None, path: str) -> None:
    answer = client.post(path, b"{}", content_type="application/json")
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")


def test_without_valkey_a_process_goes_on_and_says_so(client: Client, readiness: None) -> None:
    with override_settings(REDIS_URL="unix:///nowhere/valkey?db=0"):
        answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["checks"] == {**ALL_WELL, "valkey": "degraded"}


def test_a_paused_valkey_is_one_that_is_away(
    client: Client, readiness: None, silent_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "_VALKEY_SECONDS", 0.25)
    with override_settings(REDIS_URL=silent_server):
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["valkey"]) == (200, "degraded")


def test_a_paused_database_is_said_within_a_bound_and_who_asks_next_does_not_wait(
    client: Client, readiness: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/readyz").status_code == 200
    connection = probing._probe._connection
    assert connection is not None
    paused = connection.info.backend_pid
    probing._database.settle(seconds=5)
    monkeypatch.setattr(probing._database, "_bound", probing.BOUND_SECONDS)
    os.kill(paused, signal.SIGSTOP)
    try:
        first = client.get("/readyz")
        began = time.monotonic()
        again = [client.get("/readyz") for _ in range(20)]
        waited = time.monotonic() - began
    finally:
        os.kill(paused, signal.SIGCONT)
    assert first.status_code == 503
    assert first.json()["checks"] == {
        "database": "no answer",
        "migrations": "unknown",
        "valkey": "ok",
        "risk_data": "ok",
    }
    assert {answer.status_code for answer in again} == {503}
    assert waited < len(again) * probing.BOUND_SECONDS / 2, "twenty askers waited for what the first had waited for"
    assert probing._database.settle(seconds=60)
    monkeypatch.setattr(probing._database, "_bound", PATIENCE)
    assert client.get("/readyz").status_code == 200


def test_a_database_that_was_restarted_is_found_again_at_once(
    client: Client, readiness: None, superuser: psycopg.Connection
) -> None:
    assert client.get("/readyz").status_code == 200
    connection = probing._probe._connection
    assert connection is not None
    superuser.execute("SELECT pg_terminate_backend(%s, 5000)", (connection.info.backend_pid,))
    probing._database.settle(seconds=5)
    assert client.get("/readyz").json()["checks"] == ALL_WELL


def test_code_that_came_before_its_migrations_is_not_ready(
    client: Client, readiness: None, superuser: psycopg.Connection
) -> None:
    app, name = min(probing.needed_migrations())
    row = superuser.execute(
        "DELETE FROM django_migrations WHERE app = %s AND name = %s RETURNING applied", (app, name)
    ).fetchone()
    assert row is not None
    try:
        answer = client.get("/readyz")
    finally:
        superuser.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", (app, name, row[0]))
    assert (answer.status_code, answer.json()["checks"]["migrations"]) == (503, "missing")
    assert name not in answer.content.decode()


def test_migrations_of_a_later_version_keep_nobody_from_being_ready(
    client: Client, readiness: None, superuser: psycopg.Connection
) -> None:
    superuser.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('audit', '9999_later', now())")
    try:
        assert client.get("/readyz").status_code == 200
    finally:
        superuser.execute("DELETE FROM django_migrations WHERE name = '9999_later'")


def test_probing_often_is_no_load(client: Client, readiness: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks_of_telemetry, "REMEMBERED_SECONDS", PATIENCE)
    looks = 0
    look = probing._database._look

    def counted() -> probing._Seen:
        nonlocal looks
        looks += 1
        return look()

    probing._database._look = counted
    try:
        askers = [threading.Thread(target=lambda: Client().get("/readyz")) for _ in range(16)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
    finally:
        probing._database._look = look
    assert looks == 1


def test_strangers_are_told_no_versions_names_or_reasons(client: Client, readiness: None) -> None:
    with override_settings(REDIS_URL="redis://:hunter2@127.0.0.1:1/0"):
        said = client.get("/readyz").content.decode()
    words = set(re.findall(r"[a-z0-9]+", said))
    assert words == {
        "status",
        "ready",
        "process",
        "web",
        "checks",
        "database",
        "ok",
        "migrations",
        "valkey",
        "degraded",
        "risk",
        "data",
    }


def test_a_probe_is_answered_before_anything_else_looks() -> None:
    assert settings.MIDDLEWARE[0] == f"{Probes.__module__}.{Probes.__name__}"
