"""A whole installation of its own that can be broken: PostgreSQL, Valkey, deciding workers, a worker and beat.

Its servers live on a small disk of their own where this account may mount one, so that it can be filled.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Self
from uuid import UUID

import psycopg
import redis

from config.demo.children import Child, bound_to_us, end_all, start
from config.demo.ports import HOST, free_ports
from config.embedded.paths import BOOTSTRAP, CHECKOUT, PORT, Place
from config.embedded.processes import is_running, read_pid, wait_until
from deploy.commands import command_of

DISK_MB: Final = 1500
_SPARE_MB: Final = 300
"""How much of its disk an installation has left before each fault: what its questions leave behind must not fill it."""

_READY_SECONDS: Final = 60.0
_VALKEY_SECONDS: Final = 5.0
_DATABASE: Final = "faults"
_OF_OTHERS: Final = ("DATABASE_URL", "DATABASE_SWEEP_URL", "DATABASE_OWNER_URL", "REDIS_URL", "PYTEST_CURRENT_TEST")


class House:
    """The processes of one installation."""

    def __init__(self, workers: int = 2) -> None:
        self.runtime = Path(tempfile.mkdtemp(prefix="tgf-", dir="/var/tmp"))
        self.runtime.chmod(0o755)
        self.has_own_disk = _mounted(self.runtime)
        self.runtime.chmod(0o755)
        self.logs = Path(tempfile.mkdtemp(prefix="tgf-logs-", dir="/var/tmp"))
        self.clock = self.logs / "clock"
        self.clock.write_text("0")
        (self.port,) = free_ports(1)
        self.children: list[Child] = []
        self._workers = workers
        self._world: subprocess.Popen[str] | None = None
        self.world: dict[str, Any] = {}

    def __enter__(self) -> Self:
        try:
            self._embedded("start")
            self._fill()
            for process in ("decide", "worker", "beat"):
                environment = self._environment(process)
                child = start(
                    process, command_of(process, environment), environment=environment, log=self.logs / f"{process}.log"
                )
                self.children.append(child)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        for pid in [*self.postgres_pids(), *self.valkey_pids()]:
            _signal(pid, signal.SIGCONT)
        end_all(self.children)
        if self._world is not None:
            self._world.kill()
            self._world.communicate()
        with suppress(RuntimeError):
            self._embedded("stop")
        if self.has_own_disk:
            subprocess.run(["umount", "-l", str(self.runtime)], check=True)
        shutil.rmtree(self.runtime)
        if not os.environ.get("FAULTS_KEEP"):
            shutil.rmtree(self.logs)

    def change(self, kind: str, key: str) -> str:
        """Take something away from somebody; "done" once that is committed."""
        assert self._world is not None
        assert self._world.stdin is not None
        assert self._world.stdout is not None
        self._world.stdin.write(json.dumps([kind, key]) + "\n")
        self._world.stdin.flush()
        return str(json.loads(self._world.stdout.readline()))

    def missing(self, entries: Iterable[UUID]) -> set[UUID]:
        """List those of the entries that the trail does not hold."""
        wanted = list(entries)
        with self.superuser() as connection:
            found = connection.execute("SELECT id FROM audit_entry WHERE id = ANY(%s)", [wanted]).fetchall()
        return set(wanted) - {one for (one,) in found}

    @contextmanager
    def superuser(self) -> Iterator[psycopg.Connection]:
        """Connect as the cluster's first role, which row-level security does not bind."""
        address = f"host={self._place().run} port={PORT} dbname={_DATABASE} user={BOOTSTRAP} connect_timeout=3"
        with psycopg.connect(address, autocommit=True) as connection:
            yield connection

    def valkey(self) -> redis.Redis:
        """Make a client of the installation's Valkey."""
        return redis.Redis(unix_socket_path=str(self._place().valkey_socket), socket_timeout=_VALKEY_SECONDS)

    def has_room(self) -> bool:
        """Tell whether the disk has room for what is asked during one more fault."""
        return shutil.disk_usage(self.runtime).free >= _SPARE_MB << 20

    # --- What is broken, and mended ---

    def postgres_pids(self) -> list[int]:
        """List PostgreSQL's processes, its first one first."""
        found = []
        for data in self._place().data.glob("postgres-*[0-9]"):
            pid = read_pid(data / "postmaster.pid")
            if pid is not None and is_running(pid, argument=str(data)):
                found += [pid, *children_of(pid)]
        return found

    def valkey_pids(self) -> list[int]:
        """List Valkey's one process."""
        pid = read_pid(self._place().run / "valkey.pid")
        return [pid] if pid and is_running(pid, argument=str(self._place().valkey_socket)) else []

    def signal_postgres(self, number: signal.Signals) -> None:
        """Send every process of PostgreSQL a signal."""
        for pid in self.postgres_pids():
            _signal(pid, number)

    def signal_valkey(self, number: signal.Signals) -> None:
        """Send Valkey a signal."""
        for pid in self.valkey_pids():
            _signal(pid, number)

    def wipe_valkey(self) -> None:
        """Make Valkey forget everything: what waits to be stored, tasks, all of it."""
        with self.valkey() as client:
            client.flushall()

    def cut_connections(self) -> None:
        """End every connection of the product to its database, whatever it is in the middle of."""
        with self.superuser() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'tiergate_%' AND usename <> current_user"
            )

    def restart_postgres(self) -> None:
        """Stop PostgreSQL as its operator would, and wait until it is down."""
        (first, *_others) = self.postgres_pids()
        os.kill(first, signal.SIGINT)
        assert wait_until(lambda: not self.postgres_pids(), seconds=10), "PostgreSQL does not stop"

    def bring_back(self) -> None:
        """Start whichever of PostgreSQL and Valkey is down."""
        self._embedded("start")

    def deciding_pids(self) -> list[int]:
        """List the processes that answer."""
        (decide,) = (child for child in self.children if child.name == "decide")
        return [pid for pid in children_of(decide.process.pid) if b"granian" in _words(pid)]

    def step_clock(self, seconds: int) -> None:
        """Set the clock of the processes that answer so far off the right time."""
        growing = self.clock.with_suffix(".new")
        growing.write_text(str(seconds))
        growing.rename(self.clock)

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Leave no room on the servers' disk."""
        filler = self.runtime / "filler"
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                with suppress(OSError):
                    while True:
                        file.write(bytes(size))
        try:
            yield
        finally:
            filler.unlink()

    def last_words(self) -> str:
        """Read the ends of the logs."""
        return "\n\n".join(f"{child.name}:\n{child.last_words()}" for child in self.children)

    # --- How it is put together ---

    def _place(self) -> Place:
        return Place(next(iter(self.runtime.glob("tiergate-*")), self.runtime / "none"))

    def _environment(self, process: str) -> dict[str, str]:
        known = {name: value for name, value in os.environ.items() if not name.startswith("TIERGATE_")}
        for name in _OF_OTHERS:
            known.pop(name, None)
        metrics = self.logs / f"metrics-{process}"
        metrics.mkdir(exist_ok=True)
        own = {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONUNBUFFERED": "1",
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
            "TIERGATE_RUNTIME_DIR": str(self.runtime),
            "TIERGATE_EMBEDDED_DATABASE": _DATABASE,
            "TIERGATE_PROCESS": process,
            "TIERGATE_HOST": HOST,
            "TIERGATE_PORT": str(self.port),
            "TIERGATE_LOG_LEVEL": "WARNING",
        }
        if process == "decide":
            own |= {
                "TIERGATE_WORKERS": str(self._workers),
                "PYTHONPATH": str(CHECKOUT / "tests" / "faults" / "shifted"),
                "FAULTS_CLOCK": str(self.clock),
            }
        if process == "worker":
            own["TIERGATE_WORKERS"] = "1"
        return {**known, **own}

    def _embedded(self, verb: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "config.embedded", verb],
            cwd=CHECKOUT,
            env=self._environment("web"),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"The services do not {verb}: {done.stderr}")

    def _fill(self) -> None:
        with (self.logs / "world.log").open("wb") as log:
            self._world = subprocess.Popen(
                bound_to_us(["-m", "tests.faults.world"]),
                cwd=CHECKOUT,
                env=self._environment("web"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                process_group=0,
            )
        assert self._world.stdout is not None
        line = self._world.stdout.readline()
        if not line:
            raise RuntimeError(f"No world was made:\n{(self.logs / 'world.log').read_text()}")
        self.world = json.loads(line)


def children_of(pid: int) -> list[int]:
    """List the live children of a process."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if int(parent) == pid and state != "Z":
                    found.append(int(entry.name))
    return found


def _words(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _mounted(place: Path) -> bool:
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0755", "tmpfs", str(place)]
    try:
        return subprocess.run(mount, check=False, capture_output=True).returncode == 0
    except OSError:
        return False
