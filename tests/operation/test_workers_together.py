"""What an installation really runs: a server of several workers, as granian starts them."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from config.embedded.processes import wait_until
from tests.operation.test_figures import figures

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(port: int, path: str, **headers: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


@pytest.fixture(params=["web", "decide"])
def server(
    request: pytest.FixtureRequest, db: None, tmp_path: Path
) -> Iterator[tuple[str, int, subprocess.Popen[bytes]]]:
    port = free_port()
    # Not as a test: with the pool that a production has.
    environment = {
        **os.environ,
        "TIERGATE_TESTING": "0",
        "TIERGATE_PROCESS": request.param,
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
    }
    command = [
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--workers",
        "2",
        "--port",
        str(port),
        "--respawn-failed-workers",
    ]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command, "config.wsgi:application"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            process_group=0,
        )
    try:
        assert wait_until(lambda: get(port, "/readyz", Host="10.1.2.3")[0] == 200, seconds=60), (
            tmp_path / "log"
        ).read_text()
        yield request.param, port, process
    finally:
        # By force, and the group: a worker outlives a master that was killed.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=30)


def _processes(port: int) -> float:
    return figures(get(port, "/metrics")[1]).get("tiergate_processes[]", 0.0)


@pytest.mark.storm
def test_both_workers_are_seen_by_whichever_answers_and_a_dead_one_is_not(
    server: tuple[str, int, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    process, port, master = server
    assert f'"process": "{process}"' in get(port, "/readyz")[1]
    assert wait_until(lambda: _processes(port) == 2, seconds=60)
    page = figures(get(port, "/metrics")[1])
    assert "tiergate_pool_connections[]" in page
    assert ("tiergate_trail_unsealed_entries[]" in page) == (process == "web"), "decide has no role for that"
    done = subprocess.run(
        ["/bin/ps", "--ppid", str(master.pid), "-o", "pid=,args="], capture_output=True, text=True, check=True
    )
    workers = [int(line.split()[0]) for line in done.stdout.splitlines() if "resource_tracker" not in line]
    assert len(workers) == 2, done.stdout
    before = {path.name for path in tmp_path.glob("gauge_live*.db")}
    os.kill(workers[0], signal.SIGKILL)
    assert wait_until(lambda: not any(str(workers[0]) in path.name for path in _asked(port, tmp_path)), seconds=60)
    assert any(str(workers[0]) in name for name in before)
    assert wait_until(lambda: _processes(port) == 2, seconds=60), "the one that took its place is seen"
    assert get(port, "/readyz")[0] == 200


def _asked(port: int, directory: Path) -> list[Path]:
    get(port, "/metrics")
    return list(directory.glob("gauge_live*.db"))
