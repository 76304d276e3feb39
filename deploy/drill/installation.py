"""An installation as compose.yaml makes one, from processes of this machine: production's settings, own secrets."""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import redis

from config.demo.ports import HOST, free_ports
from config.embedded.paths import APP, OWNER, SWEEP
from config.embedded.processes import wait_until
from deploy.drill.cluster import ROOT, Cluster, DrillError, Machine

_READY_SECONDS: Final = 60.0
_NAME: Final = "tiergate.example"


def made_secrets() -> dict[str, str]:
    """Make up an installation's secrets with the script that an operator runs."""
    said = subprocess.run(
        [sys.executable, str(ROOT / "deploy" / "make-env"), f"https://{_NAME}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(word.split("=", 1) for word in shlex.split(said.stdout))


@dataclass(slots=True, kw_only=True)
class Process:
    """One process of the product, started as an image starts it. port: 0 where it listens on none."""

    name: str
    port: int
    log: Path
    running: subprocess.Popen[bytes]

    def ask(
        self, method: str, path: str, *, by: str = "", body: object = None, timeout: float = 20.0
    ) -> httpx.Response:
        """Ask it as its proxy would."""
        return ask(self.port, method, path, by=by, body=body, timeout=timeout)

    def url(self, path: str) -> str:
        """Write the address of a path of it."""
        return f"http://{HOST}:{self.port}{path}"

    def last_words(self) -> str:
        """Read the end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])


@dataclass(slots=True, kw_only=True)
class Installation:
    """What an operator has: secrets, where things are, and what the demo's vendor gave out."""

    machine: Machine
    secrets: Mapping[str, str]
    cluster: Cluster
    valkey_url: str
    root: Path = ROOT
    more: dict[str, str] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)

    def environment(self, process: str, **more: str) -> dict[str, str]:
        """Say what a process of that kind is given, and nothing else."""
        wanted = ("TIERGATE_BASE_URL", "TIERGATE_SECRET_KEY", "TIERGATE_KEYRING")
        found = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": "/nonexistent",
            "TIERGATE_PYTHON": sys.executable,
            **{name: self.secrets[name] for name in wanted},
            "DATABASE_URL": self.cluster.url(APP),
            "REDIS_URL": self.valkey_url,
            "TIERGATE_PROCESS": process,
            "TIERGATE_TRUSTED_PROXIES": "1",
            "TIERGATE_ENVIRONMENT": "production",
            "TIERGATE_RISK_DATA": str(self._place("networks")),
        }
        if process != "decide":
            found["DATABASE_SWEEP_URL"] = self.cluster.url(SWEEP)
        if process == "worker":
            found |= {
                "TIERGATE_SEAL_KEY": self.secrets["TIERGATE_SEAL_KEY"],
                "TIERGATE_SEAL_DIR": str(self._place("seals")),
            }
        return found | self.more | more

    def _place(self, name: str) -> Path:
        place = self.machine.root / name
        place.mkdir(mode=0o700, exist_ok=True)
        return place

    def manage(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a management command as an operator does, who also knows the owner's password."""
        return self._python(["manage.py", *words], more)

    def seed(self, **more: str) -> dict[str, Any]:
        """Migrate, and fill it with the demo's vendor; returns credentials and sessions, as the demo does."""
        done = self._python(["-m", "config.demo.prepare"], more)
        if done.returncode:
            raise DrillError(f"The database could not be filled:\n{done.stderr.strip()}")
        made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return made

    def start(self, process: str, *, command: Sequence[str] = (), **more: str) -> Process:
        """Start a process by the image's entry, and wait until a server answers.

        command: what Python runs instead, with ``{port}`` where the port is to stand, for code that has no entry yet.
        :raises DrillError: it does not come up.
        """
        name = f"{process}-{len(self.processes)}"
        port = free_ports(1)[0] if process in {"web", "decide"} else 0
        log = self.machine.root / f"{name}.log"
        given = self.environment(process, TIERGATE_PORT=str(port), TIERGATE_WORKERS="1", **more)
        words = [sys.executable, *(word.format(port=port) for word in command)]
        with log.open("wb") as output:
            running = subprocess.Popen(
                words if command else [str(self.root / "deploy" / "entry")],
                cwd=self.root,
                env=given,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        made = Process(name=name, port=port, log=log, running=running)
        self.processes.append(made)
        if port and not wait_until(lambda: running.poll() is not None or _answers(port), seconds=_READY_SECONDS):
            raise DrillError(f"{name} does not answer:\n{made.last_words()}")
        if running.poll() is not None:
            raise DrillError(f"{name} ended by itself:\n{made.last_words()}")
        return made

    def end(self) -> None:
        """End every process."""
        for process in self.processes:
            process.running.terminate()
        for process in self.processes:
            try:
                process.running.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.running.pid, signal.SIGKILL)
                process.running.wait()
        self.processes.clear()

    def _python(self, words: list[str], more: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.root,
            env=self.environment("worker", **{"DATABASE_OWNER_URL": self.cluster.url(OWNER), **more}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def ask(port: int, method: str, path: str, *, by: str = "", body: object = None, timeout: float) -> httpx.Response:
    """Ask a server of this machine under the name that it answers to."""
    headers = {"Authorization": f"Bearer {by}"} if by else {}
    with client(timeout=timeout) as http:
        if body is None:
            return http.request(method, f"http://{HOST}:{port}{path}", headers=headers)
        return http.request(method, f"http://{HOST}:{port}{path}", headers=headers, json=body)


def client(*, timeout: float = 10.0) -> httpx.Client:
    """Make a client that asks as an installation's proxy does."""
    headers = {"Host": _NAME, "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
    return httpx.Client(trust_env=False, timeout=timeout, headers=headers)


@contextmanager
def valkey(machine: Machine) -> Iterator[str]:
    """Run a Valkey with a password for as long as the block does, and yield its URL."""
    port = free_ports(1)[0]
    url = f"redis://:drill@{HOST}:{port}/0"
    server = subprocess.Popen(
        [
            str(machine.programs / "valkey-server"),
            *("--port", str(port), "--bind", HOST, "--requirepass", "drill"),
            *("--save", "", "--appendonly", "no", "--dir", str(machine.root), "--logfile", "valkey.log"),
        ],
        stdin=subprocess.DEVNULL,
        process_group=0,
    )
    try:
        if not wait_until(lambda: _pings(url), seconds=10):
            raise DrillError("Valkey does not answer.")
        yield url
    finally:
        server.kill()
        server.wait()


@contextmanager
def installation(
    machine: Machine, *, secrets: Mapping[str, str], cluster: Cluster, valkey_url: str, root: Path = ROOT
) -> Iterator[Installation]:
    """Name an installation; every process of it that was started ends with the block."""
    made = Installation(machine=machine, secrets=secrets, cluster=cluster, valkey_url=valkey_url, root=root)
    try:
        yield made
    finally:
        made.end()


def _answers(port: int) -> bool:
    try:
        # Whatever it says: code from before `/livez` was there must start too.
        return ask(port, "GET", "/livez", timeout=5).status_code > 0
    except httpx.HTTPError:
        return False


def _pings(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
