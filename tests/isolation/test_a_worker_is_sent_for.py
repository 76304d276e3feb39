"""Whoever has written down work sends for a worker, by the very name that workers know it by, and waits for no broker."""

import json
from collections.abc import Callable
from typing import Any

import kombu
import pytest
import redis
from django.conf import settings as ours
from kombu.utils import functional

import billing.nudging
import licensing.nudging
from config.celery import app
from isolation.api import send_for_worker
from licensing.outbox import SENDS

pytestmark = pytest.mark.django_db

type Taken = Callable[[], list[str]]


@pytest.fixture
def taken(valkey: redis.Redis) -> Taken:
    """Take what waits for a worker, as one would."""
    key = f"{ours.VALKEY_PREFIX}:celery:{app.conf.task_default_queue}"

    def take() -> list[str]:
        messages: Any = valkey.lpop(key, 100)
        return [json.loads(one)["headers"]["task"] for one in reversed(messages or [])]

    return take


def test_a_worker_is_sent_for_once_by_a_name_that_it_knows(taken: Taken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(licensing.nudging, "_sent_at", {})
    monkeypatch.setattr(licensing.nudging, "_REST_SECONDS", 60.0)
    for _ in range(2):
        billing.nudging.nudge(using="default")
        licensing.nudging.nudge(SENDS)
    assert taken() == ["billing.tasks.work_off", SENDS]
    app.loader.import_default_modules()
    assert {"billing.tasks.work_off", SENDS} <= set(app.tasks)
    billing.nudging.begin()
    billing.nudging.nudge(using="default")
    assert taken() == ["billing.tasks.work_off"]


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
