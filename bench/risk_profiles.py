"""Prints what it takes to walk through many profiles by the workers' own task, and to assess one request.

Run with ``python -m bench.risk_profiles``. A database of its own, dropped afterwards; two worker processes. Half of the profiles are one
tenant's, the rest those of twenty others. Every profile is written anew, which a walk does once in thirty days; other days it reads
and counts alone. Then the same with a worker killed on the way.
"""

import argparse
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from bench.ground import OWN
from config.embedded import ensure_running, roles
from config.embedded.processes import wait_until

DATABASE = "tiergate_bench_risk"
_PROFILES = 40_000
_WORKERS = 2
_TENANTS = 20
_TEMPLATES = 200
_PAGE = 5_000
_PATIENCE = 3_600
_ABROAD = 15

_COPY = (
    "COPY riskengine_profile (id, tenant_id, subject_type, subject_id, state, version, epoch, updated_at) FROM STDIN"
)


def main(profiles: int = _PROFILES) -> int:
    """Measure and print; 1 when something is lost or counted twice."""
    for name in ("DATABASE_URL", "DATABASE_SWEEP_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ.update(OWN | {"TIERGATE_EMBEDDED_DATABASE": DATABASE})
    ensure_running()
    with roles.superuser_connection() as server:
        roles.drop_database(server, DATABASE)
        roles.ensure_database(server, DATABASE)
    try:
        return _measure(profiles)
    finally:
        with roles.superuser_connection() as server:
            roles.drop_database(server, DATABASE)


def worker() -> None:
    """Do what a worker of Celery does with the task, until the walk has ended; print what it took."""
    import django  # noqa: PLC0415 - not before the environment is set

    django.setup()
    from riskengine import tasks  # noqa: PLC0415 - as above

    _is_open()
    begun, memory = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _say("begun")
    while _is_open():
        tasks.go_on_recomputing()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    _say(f"{time.process_time() - begun} {memory / 1024} {grown / 1024}")


def _measure(profiles: int) -> int:
    import django  # noqa: PLC0415 - not before the environment is set
    from django.core.management import call_command  # noqa: PLC0415 - as above

    django.setup()
    call_command("migrate", verbosity=0)
    tenants = _make_tenants()
    _say(f"{os.cpu_count()} cores, {_WORKERS} workers; every profile is written anew")
    _say(
        f"{'profiles':>10}{'bytes':>7}{'wall':>9}{'per s':>8}{'workers, each profile':>24}{'memory: as begun, grown':>26}"
    )
    made, failures = 0, 0
    for size in (profiles // 4, profiles // 2, profiles):
        bytes_each = _make_profiles(tenants, made, size)
        made = size
        failures += _walk(size, bytes_each, has_kill=False)
    failures += _walk(made, bytes_each, has_kill=True)
    _assess(tenants[0])
    return int(failures > 0)


def _walk(size: int, bytes_each: float, *, has_kill: bool) -> int:
    from isolation.clock import now  # noqa: PLC0415 - not before the environment is set
    from riskengine import recomputing  # noqa: PLC0415 - as above

    at = now()
    recomputing.begin_run(rewrites=True, at=at)
    running = [_started() for _ in range(_WORKERS)]
    begun = time.perf_counter()
    if has_kill:
        wait_until(lambda: _done() > size // 5, seconds=_PATIENCE)
        running.pop().send_signal(signal.SIGKILL)
        running.append(_started())
    told = [one.communicate(timeout=_PATIENCE)[0] for one in running]
    seconds = time.perf_counter() - begun
    used = [tuple(float(number) for number in line.split()) for line in told]
    each = sum(cpu for cpu, _, _ in used) / size * 1e6
    memory, grown = max(one[1] for one in used), max(one[2] for one in used)
    figures = f"{size:>10}{bytes_each:>7.0f}{seconds:>7.1f} s{size / seconds:>8.0f}{each:>21.0f} µs"
    figures += f"{memory:>15.0f} MB +{grown:>4.0f} MB"
    _say(figures + ("  a worker killed on the way" if has_kill else ""))
    return _checked(size, at)


def _checked(size: int, at: Any) -> int:
    """Count the profiles that were not written, or were counted other than once."""
    from django.db import connections  # noqa: PLC0415 - not before the environment is set

    with connections["sweep"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM riskengine_profile WHERE epoch <> %s", [at])
        (left,) = cursor.fetchone()
        cursor.execute("SELECT sum(people) FROM riskengine_population WHERE counted_at = %s", [at])
        (counted,) = cursor.fetchone()
    if left or counted != size:
        _say(f"{left} profiles were not written, and {counted} of {size} were counted")
    return int(left) + abs(size - int(counted))


def _started() -> "subprocess.Popen[str]":
    started = subprocess.Popen(
        [sys.executable, "-m", "bench.risk_profiles", "--worker"], stdout=subprocess.PIPE, text=True
    )
    if started.stdout is None or started.stdout.readline() != "begun\n":
        raise RuntimeError("a worker did not begin")
    return started


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


def _make_profiles(tenants: list[UUID], first: int, until: int) -> float:
    """Add profiles of people with one to three hundred signals each; give how many bytes one has."""
    from isolation.clock import now  # noqa: PLC0415 - not before the environment is set
    from riskengine.stored import encode_stored  # noqa: PLC0415 - as above

    chance, at, written = random.Random(first), now() - timedelta(days=60), 0  # noqa: S311 - a bench's
    templates = list(_histories(random.Random(7), at))  # noqa: S311 - as above
    # As the one whom no policy binds: a copy is refused where rows are guarded.
    with roles.superuser_connection(DATABASE) as inside, inside.cursor() as cursor:
        for start in range(first, until, _PAGE):
            with cursor.copy(_COPY) as copy:
                for number in range(start, min(start + _PAGE, until)):
                    tenant = tenants[0] if number % 2 else tenants[1 + number // 2 % _TENANTS]
                    state = encode_stored(_moved(chance.choice(templates), number))
                    written += len(state)
                    copy.write_row((uuid4(), tenant, "user", f"person-{number}", state, 1, at, at))
        cursor.execute("ANALYZE riskengine_profile")
    return written / max(1, until - first)


def _histories(chance: random.Random, at: Any) -> Iterator[Any]:
    from riskengine.seen import Seen  # noqa: PLC0415 - not before the environment is set
    from riskengine.stored import Taught, teach  # noqa: PLC0415 - as above

    for _ in range(_TEMPLATES):
        stored: Any = None
        days = chance.randrange(1, 300)
        for day in range(days):
            network = chance.choice((0, 0, 0, 0, 1, 1, 2 + chance.randrange(20)))
            family = chance.choice(("Firefox", "Firefox", "Chrome"))
            seen = Seen(
                network=f"10.{network}.{chance.randrange(2)}.0/24",
                asn=f"AS{64500 + network}",
                country="DE" if network < _ABROAD else "FR",
                network_class="residential",
                browser=f"{family} {140 + day // 30}",
                family=family,
                system="Linux desktop" if family == "Firefox" else "Android phone",
                hour=chance.choice((8, 9, 9, 10, 13, 14, 20)),
                device=f"device-{family}",
            )
            stored = teach(stored, Taught(id=uuid4(), at=at - timedelta(days=days - day), trust=0.5, seen=seen))
        yield stored


def _moved(stored: Any, number: int) -> Any:
    """Give somebody else's history: other networks and devices."""
    from msgspec.structs import replace  # noqa: PLC0415 - not before the environment is set

    counts = dict(stored.profile.counts)
    home = f"172.{number % 40_000 // 250}.{number % 250}."
    for feature in ("network", "device", "device_use"):
        counts[feature] = {home + name: weight for name, weight in counts[feature].items()}
    under = {**stored.under, "network": {home + name: given for name, given in stored.under["network"].items()}}
    return replace(stored, profile=replace(stored.profile, counts=counts), under=under)


def _assess(tenant_id: UUID) -> None:
    """Time an assessment that the process remembers, one that Valkey is asked for, and one that the database is."""
    from isolation.clock import now  # noqa: PLC0415 - not before the environment is set
    from riskengine import assessing, keys, store  # noqa: PLC0415 - as above
    from riskengine.scripts import FORGET  # noqa: PLC0415 - as above
    from riskengine.seen import Seen  # noqa: PLC0415 - as above

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
        _say(f"assess, {name:<38}{_least(act):8.1f} µs of a processor")


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
    parser.add_argument("--profiles", type=int, default=_PROFILES)
    parser.add_argument("--worker", action="store_true")
    asked = parser.parse_args()
    if asked.worker:
        worker()
    else:
        sys.exit(main(asked.profiles))
