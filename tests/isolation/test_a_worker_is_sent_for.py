"""Whoever has written down work sends for a worker, by the very name that workers know it by, and waits for no broker."""

import json
from collections.abc import Callable
from typing import Any

import kombu
import pytest
import redis
from django.conf import settings as ours
from kombu.utils import functional
from structlog.contextvars import bound_contextvars

import billing.nudging
import licensing.nudging
from config.celery import app
from config.operation.tasks import REQUEST_ID
from isolation.api import send_for_worker
from licensing.outbox import SENDS

pytestmark = pytest.mark.django_db

WORKS = "billing.tasks.work_off"

type Taken = Callable[[], list[tuple[str, str | None]]]


@pytest.fixture
def taken(valkey: redis.Redis) -> Taken:
    """Take what waits for a worker, as one would."""
    key = f"{ours.VALKEY_PREFIX}:celery:{app.conf.task_default_queue}"

    def take() -> list[tuple[str, str | None]]:
        messages: Any = valkey.lpop(key, 100)
        sent = [json.loads(one)["headers"] for one in reversed(messages or [])]
        return [(one["task"], one.get(REQUEST_ID)) for one in sent]

    return take


def test_a_worker_is_sent_for_once_by_a_name_that_it_knows_and_hears_which_request_did(
    taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(licensing.nudging, "_sent_at", {})
    monkeypatch.setattr(licensing.nudging, "_REST_SECONDS", 60.0)
    with bound_contextvars(request_id="req-1"):
        for _ in range(2):
            billing.nudging.nudge(using="default")
            licensing.nudging.nudge(SENDS)
    assert taken() == [(WORKS, "req-1"), (SENDS, "req-1")]
    app.loader.import_default_modules()
    assert {WORKS, SENDS} <= set(app.tasks)
    billing.nudging.begin()
    billing.nudging.nudge(using="default")
    assert taken() == [(WORKS, None)]


def test_a_broker_that_is_away_fails_nothing_and_is_not_waited_for(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rest(_seconds: float) -> None:
        raise AssertionError("it rests between two tries, and whoever has written down work waits")

    monkeypatch.setattr(functional, "sleep", rest)
    monkeypatch.setattr(licensing.nudging, "_sent_at", {})
    settings.CELERY_BROKER_URL = "redis+socket:///nowhere/valkey.sock"
    with pytest.raises(kombu.exceptions.OperationalError, match="nowhere"):
        send_for_worker(SENDS)
    billing.nudging.nudge(using="default")
    licensing.nudging.nudge(SENDS)
