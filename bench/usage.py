"""Prints how fast limits are consumed, on one hot row and on many, beside the bare SQL of the same in the same round.

Run with ``python -m bench.usage``. A database of its own, dropped afterwards; one process of several threads. fsync is
off in the embedded PostgreSQL, so that a commit costs less here than on a disk. The bare SQL is what anybody would write:
a transaction that serves the tenant, a row under the key, one conditional update. Beside it stands the least that there
could be: the same row and the same update in one prepared statement that commits itself, on the driver's own connection.
"""

import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from itertools import count
from uuid import UUID

from bench.ground import OWN
from config.embedded import ensure_running, roles

DATABASE = "tiergate_bench_usage"
THREADS = 8
SECONDS = 2.0
ROUNDS = 3
MANY = 1_000

_BARE = """
    CREATE TABLE bare_counter (tenant_id uuid, feature text, used bigint NOT NULL DEFAULT 0, PRIMARY KEY (tenant_id, feature));
    CREATE TABLE bare_entry (tenant_id uuid, key text, quantity bigint, PRIMARY KEY (tenant_id, key));
    GRANT ALL ON bare_counter, bare_entry TO tiergate_app
"""
_LEAST = """
    WITH entry AS (INSERT INTO bare_entry VALUES (%s, %s, 1))
    UPDATE bare_counter SET used = used + 1 WHERE tenant_id = %s AND feature = 'calls' AND used + 1 <= %s RETURNING used
"""
_LIMIT = 2**40


def main() -> None:
    """Measure and print."""
    for name in ("DATABASE_URL", "DATABASE_SWEEP_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ.update(OWN | {"TIERGATE_EMBEDDED_DATABASE": DATABASE, "TIERGATE_POOL_SIZE": str(4 * THREADS)})
    ensure_running()
    with roles.superuser_connection() as server:
        roles.drop_database(server, DATABASE)
        roles.ensure_database(server, DATABASE)
    try:
        _measure()
    finally:
        with roles.superuser_connection() as server:
            roles.drop_database(server, DATABASE)


def _measure() -> None:
    import django  # noqa: PLC0415 - not before the environment is set

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 - as above
    from django.db import connection  # noqa: PLC0415 - as above

    from isolation.api import tenant_transaction  # noqa: PLC0415 - as above
    from isolation.clock import now  # noqa: PLC0415 - as above
    from licensing import api as licensing  # noqa: PLC0415 - as above

    call_command("migrate", verbosity=0, interactive=False)
    tenants = _tenants()
    with roles.superuser_connection(DATABASE) as inside:
        inside.execute(_BARE.encode())
        for tenant_id in tenants:
            inside.execute("INSERT INTO bare_counter VALUES (%s, 'calls')", [tenant_id])
    numbers = count()

    def ours(tenant_id: UUID) -> None:
        licensing.consume(tenant_id=tenant_id, items=[("calls", 1)], key=str(next(numbers)), at=now())

    def bare(tenant_id: UUID) -> None:
        with tenant_transaction(tenant_id), connection.cursor() as cursor:
            cursor.execute("INSERT INTO bare_entry VALUES (%s, %s, 1)", [tenant_id, str(next(numbers))])
            cursor.execute(
                "UPDATE bare_counter SET used = used + 1 WHERE tenant_id = %s AND feature = 'calls' AND used + 1 <= %s "
                "RETURNING used",
                [tenant_id, _LIMIT],
            )

    def least(tenant_id: UUID) -> None:
        connection.ensure_connection()
        connection.connection.execute(_LEAST, [tenant_id, str(next(numbers)), tenant_id, _LIMIT], prepare=True)

    _say(f"{os.cpu_count()} cores, {THREADS} threads, {ROUNDS} rounds of {SECONDS:g} s; consumes/s, the median")
    for name, among in (("one hot row", tenants[:1]), (f"{MANY:,} rows", tenants)):
        found = [tuple(_rate(act, among) for act in (ours, bare, least)) for _ in range(ROUNDS)]
        mine, theirs, fewest = (statistics.median(one[which] for one in found) for which in range(3))
        ratio, lowest = (statistics.median(one[0] / one[which] for one in found) for which in (1, 2))
        _say(
            f"{name:14} Tiergate {mine:8,.0f}   bare SQL {theirs:8,.0f}   ratio {ratio:.2f}"
            f"   in one statement {fewest:8,.0f}   ratio {lowest:.2f}"
        )


def _tenants() -> list[UUID]:
    from isolation.clock import now  # noqa: PLC0415 - not before the environment is set
    from licensing import api as licensing  # noqa: PLC0415 - as above
    from tiergate import FeatureKind, FeatureSpec, ResetPeriod, Term  # noqa: PLC0415 - as above

    at = now()
    with licensing.edit_catalogue(by="bench", at=at) as edit:
        edit.put_feature(FeatureSpec(key="calls", kind=FeatureKind.LIMIT))
        term = Term(feature="calls", limit=_LIMIT, reset_period=ResetPeriod.YEAR)
        edit.put_plan(licensing.PlanSpec(key="plan", terms=(term,)))
    found = [
        licensing.put_tenant(slug=f"tenant-{number}", name="Tenant", by="bench", at=at)[0].id for number in range(MANY)
    ]
    for tenant_id in found:
        licensing.put_subscription(tenant_id=tenant_id, plan="plan", by="bench", at=at)
        licensing.consume(tenant_id=tenant_id, items=[("calls", 1)], key="first", at=now())
    return found


def _rate(act: Callable[[UUID], None], among: list[UUID]) -> float:
    """Act from all threads for a while, and count how often in a second."""
    from django.db import connections  # noqa: PLC0415 - not before the environment is set

    done = [0] * THREADS
    gate = threading.Barrier(THREADS + 1)
    ends = [0.0]

    def run(thread: int) -> None:
        act(among[thread % len(among)])
        gate.wait()
        number = 0
        while time.monotonic() < ends[0]:
            act(among[(thread + number * THREADS) % len(among)])
            number += 1
        done[thread] = number
        connections.close_all()

    threads = [threading.Thread(target=run, args=(thread,)) for thread in range(THREADS)]
    for one in threads:
        one.start()
    ends[0] = time.monotonic() + SECONDS
    gate.wait()
    for one in threads:
        one.join()
    return sum(done) / SECONDS


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
