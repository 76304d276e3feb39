"""Prints what it takes to walk through many profiles, by Celery's own workers, and to assess one request.

Run with ``python -m bench.risk_profiles``; ``--profiles`` names other sizes. A database of its own, dropped afterwards, and a Celery
worker with two processes, which is told to go on as often as by the schedule. Half of the profiles are one tenant's, the rest those of
twenty others. Every profile is written anew, which a walk does once in thirty days, and then only read and counted, as on other
days; and once more with the process killed that has worked the most. Whatever is lost or counted twice is printed, and is an error.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from signal import SIGKILL
from typing import Any, Final
from uuid import UUID, uuid4

from bench.ground import OWN
from bench.processor import embedded_roots, seconds_of
from bench.risk_histories import make_profiles
from config.embedded import ensure_running, roles
from config.embedded.processes import wait_until

DATABASE: Final = "tiergate_bench_risk"
_SIZES: Final = (10_000, 50_000, 200_000)
_WORKERS: Final = 2
_TENANTS: Final = 20
_PATIENCE: Final = 5_400
_TICK: Final = 5.0
"""As often as the schedule says to go on."""
_LOOK: Final = 0.25
_HEAD: Final = f"""{"profiles":>10}{"":9}{"wall":>9}{"per s":>8}{"workers":>12}{"PostgreSQL":>14}{"log":>11}{"memory, each":>16}
{"":36}{"processor time for each profile":>26}"""


def main(sizes: Sequence[int] = _SIZES, *, ways: Sequence[str] = ("written", "read", "killed")) -> int:
    """Measure and print; 1 when something is lost or counted twice."""
    for name in ("DATABASE_URL", "DATABASE_SWEEP_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ.update(OWN | {"TIERGATE_EMBEDDED_DATABASE": DATABASE})
    ensure_running()
    with roles.superuser_connection() as server:
        roles.drop_database(server, DATABASE)
        roles.ensure_database(server, DATABASE)
    try:
        return _measure(sizes, ways)
    finally:
        with roles.superuser_connection() as server:
            roles.drop_database(server, DATABASE)


def _measure(sizes: Sequence[int], ways: Sequence[str]) -> int:
    import django  # noqa: PLC0415 - not before the environment is set
    from django.core.management import call_command  # noqa: PLC0415 - as above

    from isolation.clock import now  # noqa: PLC0415 - as above

    django.setup()
    call_command("migrate", verbosity=0)
    tenants = _make_tenants()
    _say(f"{os.cpu_count()} cores, a worker of {_WORKERS} processes; load {_load()}\n{_HEAD}")
    made, failures = 0, 0
    with _worker() as worker:
        for size in sorted(sizes):
            bytes_each = make_profiles(DATABASE, tenants, made, size, at=now())
            made = size
            failures += sum(_walk(worker, size, way) for way in ways)
            _say(f"{'':10} {bytes_each:.0f} bytes a profile; load {_load()}")
    _say(f"{failures} profiles were lost, or counted twice")
    _assess(tenants[0])
    return int(failures > 0)


def _walk(worker: int, size: int, way: str) -> int:
    """Have all profiles walked through, print what it took, and give how many were lost or counted twice."""
    from isolation.clock import now  # noqa: PLC0415 - not before the environment is set
    from riskengine import recomputing  # noqa: PLC0415 - as above

    at, rewrites, watched = now(), way != "read", _Watched(worker)
    logged = _log_bytes()
    recomputing.begin_run(rewrites=rewrites, at=at)
    begun = told = time.perf_counter()
    is_killed = way != "killed"
    _tell()
    while not wait_until(lambda: not _is_open(), seconds=_LOOK):
        watched.look()
        if time.perf_counter() - told >= _TICK:
            told = time.perf_counter()
            _tell()
        if not is_killed and _done() > size // 5:
            os.kill(watched.busiest(), SIGKILL)
            is_killed = True
        if time.perf_counter() - begun > _PATIENCE:
            raise TimeoutError("The walk does not end.")
    seconds = time.perf_counter() - begun
    watched.look()
    by_workers, by_postgres = (1e6 * used / size for used in watched.used())
    figures = f"{size:>10} {way:8}{seconds:>7.1f} s{size / seconds:>8.0f}{by_workers:>9.0f} µs{by_postgres:>11.0f} µs"
    _say(f"{figures}{(_log_bytes() - logged) / size:>9.0f} B{watched.memory:>13.0f} MB")
    return _checked(size, at, rewrites=rewrites)


class _Watched:
    """What a worker's processes and the database's have used since this was made. memory: in MB, of the largest worker at its largest."""

    def __init__(self, worker: int) -> None:
        self._roots = {"worker": worker, "postgres": embedded_roots()["postgres"]}
        self._begun = {name: seconds_of(root) for name, root in self._roots.items()}
        self._last = {name: dict(begun) for name, begun in self._begun.items()}
        self.memory = 0.0

    def look(self) -> None:
        """Note what each has used so far: of one that ends, what was seen last counts."""
        living = {name: seconds_of(root) for name, root in self._roots.items()}
        for name, used in living.items():
            self._last[name] |= used
        # Of those that live alone: the number of one that has ended may be somebody else's by now.
        self.memory = max(self.memory, *map(_largest_mb, living["worker"]))

    def used(self) -> tuple[float, float]:
        """Give the processor seconds of the worker and of the database."""
        worker, postgres = (sum(self._since(name).values()) for name in self._roots)
        return worker, postgres

    def busiest(self) -> int:
        """Name the process of the pool that has worked the most, of those that live."""
        living = seconds_of(self._roots["worker"]).keys() - {self._roots["worker"]}
        since = self._since("worker")
        return max(living, key=lambda pid: since.get(pid, 0.0))

    def _since(self, name: str) -> dict[int, float]:
        return {pid: used - self._begun[name].get(pid, 0.0) for pid, used in self._last[name].items()}


@contextmanager
def _worker() -> Iterator[int]:
    """Run a Celery worker as an installation does; gives its process, from which those of its pool descend."""
    words = (
        "-m",
        "celery",
        "--quiet",
        "-A",
        "config",
        "worker",
        "--concurrency",
        str(_WORKERS),
        "--loglevel",
        "CRITICAL",
    )
    running = subprocess.Popen([sys.executable, *words, "--without-gossip", "--without-mingle"])
    try:
        if not wait_until(lambda: len(seconds_of(running.pid)) > _WORKERS, seconds=60):
            raise TimeoutError("The worker does not begin.")
        yield running.pid
    finally:
        running.terminate()
        running.wait(60)


def _tell() -> None:
    from riskengine.tasks import go_on_recomputing  # noqa: PLC0415 - not before the environment is set

    go_on_recomputing.apply_async(expires=_TICK)


def _checked(size: int, at: Any, *, rewrites: bool) -> int:
    """Count the profiles that were not written, or were counted other than once."""
    from django.db import connections  # noqa: PLC0415 - not before the environment is set

    with connections["sweep"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM riskengine_profile WHERE epoch <> %s", [at])
        left = cursor.fetchone()[0] if rewrites else 0
        cursor.execute("SELECT sum(people) FROM riskengine_population WHERE counted_at = %s", [at])
        (counted,) = cursor.fetchone()
    if left or counted != size:
        _say(f"{left} profiles were not written, and {counted} of {size} were counted")
    return int(left) + abs(size - int(counted))


def _log_bytes() -> int:
    """Say how much PostgreSQL has written to its log of changes."""
    with roles.superuser_connection(DATABASE) as inside:
        found = inside.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')").fetchone()
    return int(found[0]) if found else 0


def _largest_mb(pid: int) -> float:
    """Read how much memory a process has held at most; 0 of one that has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


def _is_open() -> bool:
    from riskengine import recomputing  # noqa: PLC0415 - not before the environment is set

    found = recomputing.progress()
    return found is not None and found.ended_at is None


def _done() -> int:
    from riskengine import recomputing  # noqa: PLC0415 - not before the environment is set

    found = recomputing.progress()
    return found.done if found else 0


def _make_tenants() -> list[UUID]:
    from isolation.clock import now  # noqa: PLC0415 - not before the environment is set
    from licensing import api as licensing  # noqa: PLC0415 - as above

    return [
        licensing.put_tenant(slug=f"tenant-{number}", name=f"Tenant {number}", by="bench", at=now())[0].id
        for number in range(_TENANTS + 1)
    ]


def _assess(tenant_id: UUID) -> None:
    """Time an assessment that the process remembers, one that Valkey is asked for, and one that the database is."""
    from isolation.clock import now  # noqa: PLC0415 - not before the environment is set
    from riskengine import assessing, keys, store  # noqa: PLC0415 - as above
    from riskengine.scripts import FORGET  # noqa: PLC0415 - as above
    from riskengine.seen import Seen  # noqa: PLC0415 - as above
    from riskengine.valkey import ValkeyAway  # noqa: PLC0415 - as above

    seen = Seen(network="10.0.0.0/24", asn="AS64500", country="DE", browser="Firefox 141", family="Firefox", hour=9)
    subject, session, at = ("user", "person-1"), uuid4(), now()
    names = keys.reading_keys(tenant_id, subject, seen.network, session)

    def warm() -> None:
        assessing.assess(tenant_id=tenant_id, subject=subject, session_id=session, seen=seen, at=at)

    def cold() -> None:
        assessing.forget_assessments()
        warm()

    def read() -> None:
        store.read(tenant_id=tenant_id, subject=subject, network=seen.network, session_id=session, at=at)

    def wiped() -> None:
        FORGET.run(names, [])
        cold()

    for name, act in (
        ("remembered", warm),
        ("from Valkey", cold),
        ("  of it reading", read),
        ("from PostgreSQL, and put into Valkey", wiped),
    ):
        try:
            _say(f"assess, {name:<38}{_least(act):8.1f} µs of a processor")
        except ValkeyAway:
            _say(f"assess, {name:<38}Valkey did not answer in time")


def _least(act: Callable[[], None], *, times: int = 300, rounds: int = 9) -> float:
    found = []
    for _ in range(rounds):
        begun = time.process_time()
        for _ in range(times):
            act()
        found.append((time.process_time() - begun) / times * 1e6)
    return min(found)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--profiles", type=int, nargs="+", default=list(_SIZES), help="how many there are, in turn")
    parser.add_argument(
        "--ways", nargs="+", default=["written", "read", "killed"], choices=["written", "read", "killed"]
    )
    asked = parser.parse_args()
    sys.exit(main(asked.profiles, ways=asked.ways))
