"""PostgreSQL on a socket of its own: made once, started, adopted, replaced, stopped."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg

from config.embedded.binaries import postgres_program
from config.embedded.errors import EmbeddedError
from config.embedded.paths import BOOTSTRAP, PORT, Place, database_url
from config.embedded.private import Account
from config.embedded.processes import end, is_running, read_pid, wait_until

# A demo's data survives a killed server, not a machine that loses power: nothing waits for a disk.
_SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{run}'
unix_socket_permissions = 0700
port = {port}
max_connections = 300
fsync = off
full_page_writes = off
jit = off
wal_level = minimal
max_wal_senders = 0
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %u@%d '
"""


def cluster(place: Place, binaries: Path) -> Path:
    """Name the data directory; each major version of PostgreSQL has its own."""
    major = binaries.name.split(".", 1)[0]
    return place.data / f"postgres-{major}"


def is_answering() -> bool:
    """Tell whether this checkout's PostgreSQL takes connections."""
    try:
        with psycopg.connect(database_url(BOOTSTRAP, database="postgres"), connect_timeout=5) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def start(place: Place, account: Account, binaries: Path) -> None:
    """Start PostgreSQL, creating its cluster the first time.

    One that answers is adopted. One that lives without answering is given time to finish its
    recovery, then ended. A pid file whose process is gone, or is no PostgreSQL of ours, is removed.

    :raises EmbeddedError: when it does not come up.
    """
    if is_answering():
        return
    data = cluster(place, binaries)
    _create(place, account, binaries, data)
    pid = read_pid(data / "postmaster.pid")
    if pid is not None and is_running(pid, argument=str(data)):
        # In its recovery it has a socket already; without one nobody will ever reach it.
        wait_until(lambda: is_answering() or not place.postgres_socket.exists(), seconds=10)
        if is_answering():
            return
        end(pid, argument=str(data), gently=signal.SIGQUIT)
    # The socket's lock file holds the same pid, and PostgreSQL believes both.
    for stale in (data / "postmaster.pid", place.postgres_socket, Path(f"{place.postgres_socket}.lock")):
        stale.unlink(missing_ok=True)
    _launch(place, account, binaries, data)


def stop(place: Place) -> None:
    """End this checkout's PostgreSQL if it runs, with the signal that lets it close its files."""
    for data in place.data.glob("postgres-*"):
        pid = read_pid(data / "postmaster.pid")
        if pid is not None and is_running(pid, argument=str(data)):
            end(pid, argument=str(data), gently=signal.SIGINT)


def _create(place: Place, account: Account, binaries: Path, data: Path) -> None:
    """Make the cluster beside its place and move it there whole, so that a killed one is made again."""
    if data.is_dir():
        return
    growing = data.with_name(f"{data.name}.new")
    shutil.rmtree(growing, ignore_errors=True)
    _run(
        account,
        [
            postgres_program(binaries, "initdb"),
            *("--pgdata", str(growing), "--username", BOOTSTRAP, "--auth", "trust", "--encoding", "UTF8"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C", "--no-sync"),
        ],
        "PostgreSQL could not create its cluster",
    )
    run = str(place.run).replace("'", "''")
    with (growing / "postgresql.conf").open("a") as configuration:
        configuration.write(_SETTINGS.format(run=run, port=PORT))
    growing.rename(data)


def _launch(place: Place, account: Account, binaries: Path, data: Path) -> None:
    log = place.data / "postgres.log"
    command = [
        postgres_program(binaries, "pg_ctl"),
        *("start", "--wait", "--timeout", "60", "--silent", "--pgdata", str(data), "--log", str(log)),
    ]
    # A server killed by force leaves children that end a moment later; until then its shared
    # memory counts as in use.
    for is_last in (*(False,) * 19, True):
        before = log.stat().st_size if log.exists() else 0
        try:
            _run(account, command, "PostgreSQL did not start")
        except EmbeddedError as error:
            said = log.read_bytes()[before:].decode(errors="replace") if log.exists() else ""
            if "still in use" in said and not is_last:
                time.sleep(0.25)
                continue
            last = "\n".join(said.splitlines()[-15:])
            message = f"{error}\n{last}".rstrip()
            raise EmbeddedError(message) from None
        return


def _run(account: Account, command: list[str], failure: str) -> None:
    # The environment is our own: PGDATA, LC_ALL and the like would change what is made.
    done = subprocess.run(
        command,
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        umask=0o077,
        **account.as_subprocess(),
    )
    if done.returncode:
        message = f"{failure}:\n{done.stdout.strip()}"
        raise EmbeddedError(message)
