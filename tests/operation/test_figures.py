"""The page that Prometheus reads: right over all processes, closed to strangers, and told in the runbook."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client, override_settings
from prometheus_client.parser import text_string_to_metric_families

from audit import api as audit
from config.celery import app
from config.embedded.processes import wait_until
from config.operation.figures import queue_depths
from decisions.metrics import observe_decision
from isolation.clock import now
from telemetry import api as telemetry
from telemetry import gauges, pulse
from tests.decisions.asking import body
from tests.decisions.conftest import World

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "m" * 32
WORKER = """
import sys
from decisions.metrics import observe_decision
from isolation.clock import now
from telemetry import api as telemetry
telemetry.gauge_of_process("tiergate_processes", "", lambda: 1.0, over="livesum")
for _ in range(int(sys.argv[1])):
    observe_decision(outcome="allow", reason="ok", seconds=0.0004)
telemetry.begin()
from telemetry.pulse import beat
beat()
print("told", flush=True)
sys.stdin.read()
"""


def figures(text: str) -> dict[str, float]:
    """Read a page as Prometheus does: by name and labels."""
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def figure(name: str, **labels: str) -> float:
    return figures(telemetry.exposition().decode()).get(f"{name}{sorted(labels.items())}", 0.0)


def test_decisions_are_counted_by_outcome_and_reason_and_timed() -> None:
    before = figure("tiergate_decisions_total", outcome="deny", reason="no_privilege")
    bucket = figure("tiergate_decision_seconds_bucket", outcome="deny", le="0.0005")
    slower = figure("tiergate_decision_seconds_bucket", outcome="deny", le="+Inf")
    for seconds in (0.0002, 0.0005, 0.3, 7.0):
        observe_decision(outcome="deny", reason="no_privilege", seconds=seconds)
    assert figure("tiergate_decisions_total", outcome="deny", reason="no_privilege") == before + 4
    assert figure("tiergate_decision_seconds_bucket", outcome="deny", le="0.0005") == bucket + 2
    assert figure("tiergate_decision_seconds_bucket", outcome="deny", le="+Inf") == slower + 4


def test_many_decisions_are_settled_without_anybody_asking() -> None:
    from decisions import metrics  # noqa: PLC0415 - its module is looked into

    for _ in range(3 * metrics._FULL):
        observe_decision(outcome="deny", reason="unknown_action", seconds=0.001)
    assert len(metrics._noted) < metrics._FULL


@pytest.mark.storm
def test_processes_that_share_a_page_are_summed_and_the_dead_hold_no_gauge(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(count)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for count in (3, 5)
    ]
    ask = "from telemetry import api as telemetry; print(telemetry.exposition().decode())"

    def page() -> dict[str, float]:
        done = subprocess.run(
            [sys.executable, "-c", ask], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        return figures(done.stdout)

    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == b"told\n"
        both = page()
        workers[1].kill()
        workers[1].wait()
        one = page()
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    decided = "tiergate_decisions_total[('outcome', 'allow'), ('reason', 'ok')]"
    assert (both[decided], both["tiergate_processes[]"]) == (8, 2)
    assert (one[decided], one["tiergate_processes[]"]) == (8, 1), "what the dead counted stays counted"


def test_each_process_writes_by_itself_once_a_second(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    code = (
        "import threading; from telemetry import api; told = threading.Event(); "
        "api.before_reading('t', told.set); api.begin(); print(told.wait(10))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"


def test_a_figure_that_cannot_be_read_hides_no_other(db: None) -> None:
    def broken() -> float:
        raise RuntimeError("away")

    telemetry.gauge_of_house("tiergate_test_broken", "Never.", broken)
    telemetry.gauge_of_house("tiergate_test_whole", "Always.", lambda: {("a",): 1.0, ("b",): 2.0}, labels=("which",))
    try:
        gauges._asking.settle(seconds=5)
        failures = figure("tiergate_figure_failures_total", figure="tiergate_test_broken")
        gauges._asking.settle(seconds=5)
        page = figures(telemetry.exposition().decode())
    finally:
        del gauges._of_the_house["tiergate_test_broken"], gauges._of_the_house["tiergate_test_whole"]
    assert page["tiergate_test_whole[('which', 'b')]"] == 2.0
    assert "tiergate_test_broken[]" not in page
    assert figure("tiergate_figure_failures_total", figure="tiergate_test_broken") > failures


def test_a_chore_that_fails_is_counted_and_the_next_is_done() -> None:
    done: list[str] = []

    def broken() -> None:
        raise RuntimeError("away")

    telemetry.before_reading("a_broken_one", broken)
    telemetry.before_reading("b_whole_one", lambda: done.append("b"))
    try:
        assert figure("tiergate_figure_failures_total", figure="a_broken_one") >= 1
    finally:
        del pulse._chores["a_broken_one"], pulse._chores["b_whole_one"]
    assert done == ["b"]


def test_requests_are_counted_by_route_and_never_by_path(client: Client, db: None) -> None:
    labels = {"route": "/v1/tenants/<str:tenant>", "method": "GET", "status": "401"}
    before = figure("tiergate_http_requests_total", **labels)
    client.get("/v1/tenants/alice-and-bob")
    client.generic("BREW", "/no/such/tgk_secret")
    assert figure("tiergate_http_requests_total", **labels) == before + 1
    page = telemetry.exposition().decode()
    assert "alice-and-bob" not in page
    assert "tgk_secret" not in page
    assert 'method="other"' in page


def test_waiting_tasks_are_counted_where_the_broker_keeps_them(db: None) -> None:
    queue = app.conf.task_default_queue
    before = queue_depths()[queue,]
    app.send_task("nobody.knows", queue=queue)
    try:
        assert queue_depths()[queue,] == before + 1
    finally:
        app.control.purge()
    assert queue_depths()[queue,] == 0


@override_settings(METRICS_TOKEN=TOKEN)
def test_the_page_asks_for_its_token(client: Client, readiness: None) -> None:
    for shown in ("", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer é", "Bearer"):
        answer = client.get("/metrics", headers={"Authorization": shown} if shown else {})
        assert (answer.status_code, answer.content) == (401, b""), shown
        assert answer["WWW-Authenticate"].startswith("Bearer")
    assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


@override_settings(EMBEDDED=False)
def test_a_production_without_a_token_has_no_such_page(client: Client) -> None:
    assert client.get("/metrics").status_code == 404


def test_the_runbook_tells_every_figure_and_no_other() -> None:
    section = (ROOT / "docs" / "runbook.md").read_text().split("\n### Figures\n", 1)[1].split("\n##", 1)[0]
    told = re.findall(r"^\| `(tiergate_\w+)", section, re.MULTILINE)
    assert sorted(told) == sorted(_written())


def _written() -> set[str]:
    """Find the names that the code writes down, in any process."""
    found: set[str] = set()
    for room in (
        "telemetry",
        "isolation",
        "config",
        "decisions",
        "authlevels",
        "licensing",
        "audit",
        "billing",
        "riskengine",
    ):
        for path in (ROOT / room).rglob("*.py"):
            found |= set(re.findall(r'"(tiergate_[a-z_]*[a-z])"', path.read_text()))
    return found - {"tiergate_app", "tiergate_sweep", "tiergate_owner", "tiergate_bootstrap"}


def test_every_gauge_can_be_read(client: Client, db: None) -> None:
    gauges._asking.settle(seconds=5)
    page = figures(telemetry.exposition().decode())
    missing = {name for name in gauges.names() if not any(key.startswith(f"{name}[") for key in page)}
    assert missing == set()
    assert page["tiergate_trail_unsealed_entries[]"] >= 0


def test_what_is_appended_is_counted_and_is_unsealed_until_it_is_sealed(world: World) -> None:
    labels = {"kind": "session.started"}
    before = figure("tiergate_trail_entries_total", **labels)
    unsealed = audit.sealing_backlog()
    world.asserted()
    assert figure("tiergate_trail_entries_total", **labels) == before + 1
    assert audit.sealing_backlog().entries > unsealed.entries

    def is_sealed() -> bool:
        # A transaction of another test on this server may hold it back for a moment.
        audit.seal_all(at=now(), copies=None)
        return audit.sealing_backlog() == audit.Backlog(entries=0, oldest_at=None)

    assert wait_until(is_sealed, seconds=60)


def test_sign_ins_are_counted_by_how_they_end(client: Client, world: World) -> None:
    before = figure("tiergate_sign_ins_total", result="failed")
    document = {"username": "nobody", "password": "wrong horse battery", "tenant": "acme"}
    client.post("/v1/sign-in", document, content_type="application/json")
    assert figure("tiergate_sign_ins_total", result="failed") == before + 1


def test_a_decision_at_any_door_is_counted(client: Client, world: World) -> None:
    page = figures(telemetry.exposition().decode())
    headers = {"Authorization": f"Bearer {world.acme_key}"}
    client.post("/access/v1/evaluation", body(), content_type="application/json", headers=headers)
    client.get("/v1/tenants/acme", headers=headers)
    after = figures(telemetry.exposition().decode())
    counted = [key for key in after if key.startswith("tiergate_decisions_total[")]
    assert sum(after[key] - page.get(key, 0.0) for key in counted) == 2
