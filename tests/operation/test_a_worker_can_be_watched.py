"""A worker serves nobody, and can be asked how it is all the same."""

import threading
from typing import Any

from celery.contrib.testing.worker import start_worker
from django.test import override_settings

from config.celery import app
from config.embedded.processes import wait_until
from tests.operation.test_figures import figures
from tests.operation.test_workers_together import free_port, get


def test_a_worker_answers_probes_and_tells_what_became_of_its_tasks(readiness: None) -> None:
    port = free_port()
    done = threading.Event()

    @app.task(name="tests.failing")  # type: ignore[untyped-decorator]  # Celery carries no types
    def failing() -> Any:
        try:
            raise ValueError("on purpose")
        finally:
            done.set()

    failed = "tiergate_tasks_total[('result', 'failed'), ('task', 'tests.failing')]"
    try:
        with (
            override_settings(METRICS_PORT=port, PROCESS="worker"),
            start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=60),
        ):
            failing.delay()
            assert done.wait(60)
            assert get(port, "/livez")[0] == 200
            status, said = get(port, "/readyz", Host="10.0.0.9")
            assert (status, '"process": "worker"' in said) == (200, True)
            assert wait_until(lambda: figures(get(port, "/metrics")[1]).get(failed) == 1, seconds=30)
            assert get(port, "/v1/me")[0] == 404
            assert get(port, "/")[0] == 404
    finally:
        del app.tasks["tests.failing"]
    assert get(port, "/livez")[0] == 0, "it ends with the worker"


def test_without_a_port_nothing_listens(db: None) -> None:
    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=60):
        assert "tiergate-page" not in {thread.name for thread in threading.enumerate()}
