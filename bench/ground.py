"""Where the bench runs: a PostgreSQL and a Valkey of its own, beside those of this checkout, that nobody else uses.

They are made durable for the measuring: the embedded settings wait for no disk, since a demo need not.
"""

import fcntl
import os
import stat
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from config.embedded import ensure_running, paths, release, roles
from config.embedded.private import lay_out
from config.embedded.processes import wait_until

_OF_OTHERS = (
    *("DATABASE_URL", "DATABASE_SWEEP_URL", "DATABASE_OWNER_URL", "REDIS_URL"),
    *("TIERGATE_DEMO", "TIERGATE_TESTING", "TIERGATE_BASE_URL", "TIERGATE_PROCESS"),
    *("TIERGATE_WORKERS", "TIERGATE_PORT", "PROMETHEUS_MULTIPROC_DIR"),
)
OWN = {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "TIERGATE_EMBEDDED_DATABASE": "tiergate_bench",
    # Of the 256, the demo has the first, and the tests those that follow, up to 240.
    "TIERGATE_EMBEDDED_VALKEY_DB": "250",
    "TIERGATE_VALKEY_PREFIX": "tiergate-bench",
    "TIERGATE_LOG_LEVEL": "WARNING",
}
# What the embedded cluster leaves off, and what a production leaves on.
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
_SHOWN = ("server_version", *_DURABLE, "wal_sync_method", "wal_level", "shared_buffers", "max_wal_size", "commit_delay")
_RELOAD_SECONDS = 10
_SYNCS = 200
_PAGE = 8192


@dataclass(frozen=True, slots=True)
class Ground:
    """What the figures rest on.

    cache: where a download may stay for the next run. settings: PostgreSQL's own words, by name.
    fdatasync: microseconds that the disk takes to keep one page: median, and the ninety-ninth percentile.
    """

    cache: Path
    settings: dict[str, str]
    fdatasync: tuple[float, float]


@contextmanager
def own_services() -> Iterator[Path]:
    """Run PostgreSQL and Valkey below a directory of the bench's own, with an empty database; both end with the block.

    Gives the directory in which downloads are kept between runs.
    """
    for name in _OF_OTHERS:
        os.environ.pop(name, None)
    beside = paths.place()
    lay_out(beside)
    parent = beside.root / "bench"
    parent.mkdir(exist_ok=True)
    # The servers' account must pass through it, where that is another one.
    parent.chmod(stat.S_IMODE(beside.root.stat().st_mode))
    os.environ.update(OWN, TIERGATE_RUNTIME_DIR=str(parent))
    with _only_bench(parent):
        yield from _running(parent)


@contextmanager
def _only_bench(parent: Path) -> Iterator[None]:
    """Be the one bench of this checkout: another would drop the database, and disturb every figure."""
    descriptor = os.open(parent / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("Another bench of this checkout is running: wait for its end.")
        yield
    finally:
        os.close(descriptor)


def _running(parent: Path) -> Iterator[Path]:
    ensure_running()
    try:
        with roles.superuser_connection() as server:
            _wait_for_disk(server, is_waiting=False)
            roles.drop_database(server, paths.database_name())
            roles.ensure_database(server, paths.database_name())
        yield parent / "cache"
    finally:
        try:
            with roles.superuser_connection() as server:
                roles.drop_database(server, paths.database_name())
        finally:
            release()


@contextmanager
def durable(cache: Path) -> Iterator[Ground]:
    """Let every commit wait for the disk, as in production, while the block runs."""
    with roles.superuser_connection() as server:
        _wait_for_disk(server, is_waiting=True)
        # What was written without waiting is on the disk before anything is measured.
        server.execute("CHECKPOINT")
        settings = {name: _shown(server, name) for name in _SHOWN}
    try:
        yield Ground(cache=cache, settings=settings, fdatasync=_measured_fdatasync(cache))
    finally:
        with roles.superuser_connection() as server:
            _wait_for_disk(server, is_waiting=False)


def settle() -> None:
    """Write down what waits to be written, so that the next measurement does not pay for it."""
    with roles.superuser_connection() as server:
        server.execute("CHECKPOINT")


def _wait_for_disk(server: psycopg.Connection, *, is_waiting: bool) -> None:
    verb = sql.SQL("ALTER SYSTEM SET {} = on" if is_waiting else "ALTER SYSTEM RESET {}")
    for name in _DURABLE:
        server.execute(verb.format(sql.Identifier(name)))
    server.execute("SELECT pg_reload_conf()")

    def is_taken() -> bool:
        return not is_waiting or all(_shown(server, name) == "on" for name in _DURABLE)

    if not wait_until(is_taken, seconds=_RELOAD_SECONDS):
        raise RuntimeError("PostgreSQL does not take the settings of a durable run.")


def _shown(server: psycopg.Connection, name: str) -> str:
    row = server.execute("SELECT current_setting(%s)", (name,)).fetchone()
    return str(row[0]) if row else ""


def _measured_fdatasync(directory: Path) -> tuple[float, float]:
    directory.mkdir(mode=0o700, exist_ok=True)
    path = directory / "fdatasync"
    took = []
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # Written once before, as a WAL file is: what is measured is the wait and no growing of the file.
        os.pwrite(descriptor, bytes(_PAGE * _SYNCS), 0)
        os.fsync(descriptor)
        for number in range(_SYNCS):
            os.pwrite(descriptor, b"\1" * _PAGE, number * _PAGE)
            began = time.perf_counter()
            os.fdatasync(descriptor)
            took.append((time.perf_counter() - began) * 1e6)
    finally:
        os.close(descriptor)
        path.unlink()
    return statistics.median(took), sorted(took)[int(len(took) * 0.99)]
