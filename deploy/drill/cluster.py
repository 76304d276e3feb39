"""A PostgreSQL as an installation would have it: its own directory, passwords, TCP, and durable commits."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from config.demo.ports import HOST, free_ports
from config.embedded import binaries
from config.embedded.paths import BOOTSTRAP, DEFAULT_PARENT, place
from config.embedded.private import Account, lay_out
from config.embedded.processes import end, is_running, read_pid, wait_until

ROOT: Final = Path(__file__).resolve().parents[2]
_PREFIX: Final = "tiergate-drill-"
_SETTINGS: Final = """
listen_addresses = '{host}'
port = {port}
unix_socket_directories = '{run}'
max_connections = 100
wal_level = replica
max_wal_senders = 8
wal_keep_size = 256MB
wal_sender_timeout = 2s
wal_receiver_timeout = 2s
wal_retrieve_retry_interval = 100ms
timezone = 'UTC'
log_line_prefix = '%m [%p] %u@%d '
"""
_ACCESS: Final = """
local all {superuser} trust
host all {superuser} {host}/32 trust
host replication {superuser} {host}/32 trust
host all all {host}/32 scram-sha-256
"""


class DrillError(Exception):
    """A drill cannot go on; the text says why."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One server and its data. passwords: by the names of the environment's variables."""

    root: Path
    port: int
    account: Account
    programs: Path
    passwords: Mapping[str, str]

    @property
    def data(self) -> Path:
        """Where its data lies."""
        return self.root / "data"

    def url(self, role: str, database: str = "tiergate") -> str:
        """Write the URL of a role; the superuser needs no password here."""
        password = self.passwords.get(f"{role.upper()}_PASSWORD", "")
        return f"postgresql://{role}:{password}@{HOST}:{self.port}/{database}"

    def superuser(self, database: str = "tiergate") -> psycopg.Connection:
        """Connect as the superuser, outside any transaction."""
        return psycopg.connect(self.url(BOOTSTRAP, database), autocommit=True, connect_timeout=5)

    def make(self) -> None:
        """Make the data directory, and the server's settings in it."""
        self.run(
            "initdb",
            *("--pgdata", str(self.data), "--username", BOOTSTRAP, "--encoding", "UTF8", "--auth", "trust"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C", "--no-sync"),
        )
        self.configure()

    def configure(self) -> None:
        """Write where it listens and who may enter, over what a copied directory says."""
        own = self.data / "tiergate.conf"
        own.write_text(_SETTINGS.format(host=HOST, port=self.port, run=self.root))
        (self.data / "pg_hba.conf").write_text(_ACCESS.format(superuser=BOOTSTRAP, host=HOST))
        main = self.data / "postgresql.conf"
        if "tiergate.conf" not in main.read_text():
            with main.open("a") as file:
                file.write("include 'tiergate.conf'\n")
        if self.account.is_another:
            os.chown(own, self.account.uid, self.account.gid)

    def start(self) -> None:
        """Start it, and wait until it takes connections.

        :raises DrillError: it does not come up.
        """
        # A server that was killed may still be in the table of processes, and PostgreSQL believes its lock files.
        if self._pid() is None:
            socket = self.root / f".s.PGSQL.{self.port}"
            for stale in (self.data / "postmaster.pid", socket, Path(f"{socket}.lock")):
                stale.unlink(missing_ok=True)
        log = self.root / "server.log"
        words = ("pg_ctl", "start", "--wait", "--silent", "--pgdata", str(self.data), "--log", str(log))
        failures: list[DrillError] = []

        def is_up() -> bool:
            try:
                self.run(*words)
            except DrillError as error:
                failures.append(error)
                # Its children end a moment later; until then its shared memory counts as in use.
                if "still in use" not in str(error):
                    raise
                return False
            return True

        if not wait_until(is_up, seconds=10):
            raise failures[-1]

    def prepare(self) -> None:
        """Make the roles and the database with the script that an operator runs."""
        self.run_sql(ROOT / "deploy" / "roles.sql", self.url(BOOTSTRAP, "postgres"))

    def run_sql(self, script: Path, url: str) -> None:
        """Run a script with psql, with the passwords in its environment.

        :raises DrillError: it failed.
        """
        command = [self.program("psql"), "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"]
        said = subprocess.run(
            [*command, "--file", str(script), "--dbname", url],
            env={**os.environ, **self.passwords},
            capture_output=True,
            text=True,
            check=False,
        )
        if said.returncode:
            raise DrillError(f"{script.name} failed:\n{said.stderr.strip()}")

    def copy_to_standby(self, other: "Cluster", *, name: str) -> None:
        """Make another cluster a streaming copy of this one, as an operator does: with pg_basebackup."""
        other.run(
            "pg_basebackup",
            *("--dbname", f"{self.url(BOOTSTRAP, 'postgres')}?application_name={name}"),
            *("--pgdata", str(other.data), "--checkpoint", "fast", "--wal-method", "stream", "--write-recovery-conf"),
            "--no-sync",
        )
        other.configure()

    def kill(self) -> None:
        """End it as a power cut would: at once, all of its processes."""
        pid = self._pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            if not wait_until(lambda: not is_running(pid, argument=str(self.data)), seconds=10):
                raise DrillError(f"PostgreSQL {pid} does not die.")

    def stop(self) -> None:
        """End it so that it closes its files."""
        pid = self._pid()
        if pid is not None:
            end(pid, argument=str(self.data), gently=signal.SIGINT)

    def destroy(self) -> None:
        """End it by force and remove all that it held."""
        self.kill()
        shutil.rmtree(self.root)

    def program(self, name: str) -> str:
        """Name one of PostgreSQL's programs."""
        return binaries.postgres_program(self.programs, name)

    def run(self, name: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as the account that owns the data.

        :raises DrillError: it failed.
        """
        done = subprocess.run(
            [self.program(name), *arguments],
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            umask=0o077,
            **self.account.as_subprocess(),
        )
        if done.returncode:
            log = self.root / "server.log"
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-10:]) if log.exists() else ""
            raise DrillError(f"{name} failed:\n{done.stdout.strip()}\n{tail}".rstrip())

    def _pid(self) -> int | None:
        pid = read_pid(self.data / "postmaster.pid")
        return pid if pid is not None and is_running(pid, argument=str(self.data)) else None


@dataclass(slots=True)
class Machine:
    """Where a drill's servers live."""

    root: Path
    account: Account
    programs: Path
    passwords: Mapping[str, str]

    def cluster(self, name: str) -> Cluster:
        """Name a cluster that is not there yet, on a port of its own."""
        root = self.root / name
        root.mkdir(mode=0o700)
        if self.account.is_another:
            os.chown(root, self.account.uid, self.account.gid)
        return Cluster(root, free_ports(1)[0], self.account, self.programs, self.passwords)


@contextmanager
def machine(passwords: Mapping[str, str]) -> Iterator[Machine]:
    """Make a directory for a drill's servers; whatever became of them, they end with the block."""
    here = place()
    account = lay_out(here)
    parent = Path(os.environ.get("TIERGATE_RUNTIME_DIR") or DEFAULT_PARENT)
    _clear_left_over(parent)
    root = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
    root.chmod(0o755)
    made = Machine(root, account, binaries.install(here), passwords)
    try:
        yield made
    finally:
        _clear(root)


def _clear_left_over(parent: Path) -> None:
    """End what a drill that was killed left behind."""
    for root in parent.glob(f"{_PREFIX}*"):
        owner = root.name.removeprefix(_PREFIX).partition("-")[0]
        if root.lstat().st_uid == os.geteuid() and owner.isdigit() and not Path(f"/proc/{owner}").exists():
            _clear(root)


def _clear(root: Path) -> None:
    for data in root.glob("*/data"):
        pid = read_pid(data / "postmaster.pid")
        if pid is not None and is_running(pid, argument=str(data)):
            end(pid, argument=str(data), gently=signal.SIGQUIT)
    shutil.rmtree(root, ignore_errors=True)
