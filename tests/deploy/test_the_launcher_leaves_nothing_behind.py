"""`deploy/entry` starts what it is told, refuses an occupied port, and ends all that it started."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from config.demo.children import living
from config.demo.ports import HOST, free_ports
from config.embedded import paths
from config.embedded.processes import wait_until
from deploy.commands import LaunchError, command_of, port
from deploy.serve import refuse_occupied
from tests.config.test_settings_fail_loudly import WHOLE

ENTRY = paths.CHECKOUT / "deploy" / "entry"
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives orphans a new parent of our choice")


class Launched:
    """A server started by the launcher, on the test's own database."""

    def __init__(self, process: str, log: Path) -> None:
        self.port = free_ports(1)[0]
        self.process = process
        self.log = log
        # The launcher's address space: its master is its only child.
        with log.open("wb") as output:
            self.running = subprocess.Popen(
                [str(ENTRY), process],
                env={
                    **os.environ,
                    "TIERGATE_PYTHON": sys.executable,
                    "TIERGATE_PORT": str(self.port),
                    "TIERGATE_WORKERS": "2",
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )

    def is_settled(self) -> bool:
        return self.is_up() or self.running.poll() is not None

    def is_up(self) -> bool:
        with suppress(httpx.HTTPError):
            answer = httpx.get(f"http://{HOST}:{self.port}/livez", timeout=5, trust_env=False)
            return answer.status_code == 200
        return False

    def master(self) -> int:
        children = Path(f"/proc/{self.running.pid}/task/{self.running.pid}/children").read_text().split()
        assert len(children) == 1
        return int(children[0])

    def workers(self) -> list[int]:
        group = living([self.master()])
        return [pid for pid, words in group.items() if pid != self.master() and "resource_tracker" not in words]


@pytest.fixture
def decide(tmp_path: Path, db: None) -> Iterator[Launched]:
    found = Launched("decide", tmp_path / "decide.log")
    masters: list[int] = []
    try:
        assert wait_until(found.is_settled, seconds=180), found.log.read_text()
        assert found.running.poll() is None, found.log.read_text()
        masters.append(found.master())
        yield found
    finally:
        found.running.kill()
        found.running.wait()
        for master in masters:
            with suppress(ProcessLookupError):
                os.killpg(master, signal.SIGKILL)


def _healthy(launched: Launched) -> int:
    return subprocess.run(
        [str(ENTRY), "healthy"],
        env={
            "PATH": os.environ["PATH"],
            "TIERGATE_PYTHON": sys.executable,
            "TIERGATE_PROCESS": launched.process,
            "TIERGATE_PORT": str(launched.port),
        },
        check=False,
    ).returncode


@pytest.mark.storm
@linux_only
def test_a_signal_ends_all_of_it_and_the_metrics_directory(decide: Launched) -> None:
    group = [decide.master()]
    assert _healthy(decide) == 0
    environment = Path(f"/proc/{group[0]}/environ").read_bytes().split(b"\0")
    (directory,) = [
        Path(os.fsdecode(line.partition(b"=")[2])) for line in environment if line.startswith(b"PROMETHEUS_MULTI")
    ]
    assert directory.is_dir()
    decide.running.send_signal(signal.SIGTERM)
    assert decide.running.wait(timeout=60) == 0, decide.log.read_text()
    assert living(group) == {}
    assert not directory.exists()
    assert _healthy(decide) == 1


@pytest.mark.storm
@linux_only
def test_a_master_that_is_killed_takes_its_workers_with_it(decide: Launched) -> None:
    master = decide.master()
    assert len(decide.workers()) >= 1
    os.kill(master, signal.SIGKILL)
    assert decide.running.wait(timeout=60) == 128 + signal.SIGKILL, decide.log.read_text()
    assert living([master]) == {}
    assert not decide.is_up()


@pytest.mark.storm
@linux_only
def test_a_launcher_that_is_killed_takes_the_server_with_it(decide: Launched) -> None:
    master = decide.master()
    decide.running.kill()
    decide.running.wait()
    assert wait_until(lambda: living([master]) == {}, seconds=60), living([master])


@pytest.mark.storm
@linux_only
def test_a_worker_that_is_killed_is_replaced(decide: Launched) -> None:
    assert wait_until(lambda: len(decide.workers()) == 2, seconds=60)
    before = set(decide.workers())
    os.kill(min(before), signal.SIGKILL)
    assert wait_until(lambda: len(set(decide.workers()) - before) >= 1 and decide.is_up(), seconds=60)
    assert decide.running.poll() is None


@pytest.mark.storm
def test_beat_and_worker_start_and_end_by_a_signal(tmp_path: Path, db: None) -> None:
    for process, ready in (("worker", "ready."), ("beat", "beat: Starting...")):
        log = tmp_path / f"{process}.log"
        with log.open("wb") as output:
            running = subprocess.Popen(
                [str(ENTRY)],
                env={**os.environ, "TIERGATE_PYTHON": sys.executable, "TIERGATE_PROCESS": process},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        assert wait_until(lambda log=log, ready=ready: ready in log.read_text(), seconds=60), log.read_text()  # type: ignore[misc]
        environment = {**os.environ, "TIERGATE_PYTHON": sys.executable, "TIERGATE_PROCESS": process}
        assert subprocess.run([str(ENTRY), "healthy"], env=environment, check=False).returncode == 0
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=60) == 0, log.read_text()
        if process == "worker":
            assert subprocess.run([str(ENTRY), "healthy"], env=environment, check=False).returncode == 1


def test_an_occupied_port_is_refused_before_anything_starts() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        number = taken.getsockname()[1]
        with pytest.raises(LaunchError, match=f"{number} cannot be listened on"):
            refuse_occupied(HOST, number)
        done = subprocess.run(
            [str(ENTRY), "decide"],
            env={**WHOLE, "TIERGATE_PYTHON": sys.executable, "TIERGATE_PORT": str(number)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "end the program that does" in done.stderr
    assert "Traceback" not in done.stderr
    refuse_occupied(HOST, number)


def test_an_unknown_process_and_a_number_that_is_none_are_refused() -> None:
    with pytest.raises(LaunchError, match="there are beat, decide, web, worker"):
        command_of("cron", {})
    for text in ("0", "-1", "many", "99999"):
        with pytest.raises(LaunchError, match="TIERGATE_PORT"):
            port({"TIERGATE_PORT": text})
    with pytest.raises(LaunchError, match="TIERGATE_WORKERS"):
        command_of("web", {"TIERGATE_WORKERS": "two"})


def test_decide_has_a_worker_a_core_and_threads_to_spare_for_slow_clients() -> None:
    command = command_of("decide", {})
    assert command[command.index("--blocking-threads") + 1] == "256"
    assert int(command[command.index("--workers") + 1]) == len(os.sched_getaffinity(0))
