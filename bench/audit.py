"""Prints what the trail costs: to append, to store what was sent, to seal, to verify, to export, to check elsewhere.

Run with ``python -m bench.audit``. A database of its own, dropped afterwards; one process; payloads as long as those
of decisions. fsync is off in the embedded PostgreSQL, so that a commit costs less here than on a disk. Beside the time
that passed stands what of a processor was used, by this process and by PostgreSQL's for its connections: that is what
can be compared where a machine does something else too.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from bench.ground import OWN
from bench.processor import embedded_roots, used
from config.embedded import ensure_running, roles

DATABASE = "tiergate_bench_audit"
TENANTS = 20
_ENTRIES = 20_000
_AT_ONCE = 500
_IN_A_BATCH = 8
"""Records that a process sends at once where a thousand a second are asked of it."""
_SOURCES = [
    {"source": f"plan:source-{n}", "effect": "requires", "requirement": {}, "at": "2026-01-01T00:00:00.000000Z"}
    for n in range(10)
]
_DECIDED = {
    "asked_by": "credential:bench",
    "facts": {f"member_{n}": f"value {n}" for n in range(30)} | {"privileges": [f"read.{n}" for n in range(20)]},
    "decision": {"outcome": "allow", "trace": _SOURCES, "versions": {"snapshot": "g1.t1", "policy": "0" * 32}},
}
"""As long, and of as many members, as what is told of a decision."""


def main(entries: int = _ENTRIES) -> None:
    """Measure and print."""
    for name in ("DATABASE_URL", "DATABASE_SWEEP_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ.update(OWN | {"TIERGATE_EMBEDDED_DATABASE": DATABASE})
    ensure_running()
    with roles.superuser_connection() as server:
        roles.drop_database(server, DATABASE)
        roles.ensure_database(server, DATABASE)
    try:
        with tempfile.TemporaryDirectory() as directory:
            _measure(entries, Path(directory))
    finally:
        with roles.superuser_connection() as server:
            roles.drop_database(server, DATABASE)


def _measure(entries: int, directory: Path) -> None:
    import django  # noqa: PLC0415 - not before the environment is set

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 - as above
    from django.db import connection, connections  # noqa: PLC0415 - as above

    from audit import api as audit  # noqa: PLC0415 - as above
    from audit.seal_keys import as_pem, believed_keys  # noqa: PLC0415 - as above
    from audit.verifier import check_export, load_keys  # noqa: PLC0415 - as above
    from isolation.clock import now  # noqa: PLC0415 - as above

    call_command("migrate", verbosity=0, interactive=False)
    tenants = [uuid4() for _ in range(TENANTS)]
    payload = json.dumps(_DECIDED)

    def append_each() -> int:
        with connection.cursor() as cursor:
            for n in range(2_000):
                cursor.execute(
                    "SELECT audit_append(%s, %s, 'decision', %s, 'user', %s, NULL, %s::jsonb)",
                    [tenants[n % TENANTS], uuid4(), now(), f"u{n}", payload],
                )
        return 2_000

    def append_many() -> int:
        with connections["sweep"].cursor() as cursor:
            for _ in range(entries // _AT_ONCE):
                cursor.execute(
                    "INSERT INTO audit_entry (id, tenant_id, kind, at, subject_type, subject_id, payload) "
                    "SELECT gen_random_uuid(), tenant, 'decision', clock_timestamp(), 'user', 'u', %s::jsonb "
                    "FROM unnest(%s::uuid[]) AS tenant",
                    [payload, tenants * (_AT_ONCE // TENANTS)],
                )
        return entries // _AT_ONCE * _AT_ONCE

    def seal() -> int:
        return audit.seal_all(at=now(), copies=directory / "copies").sealed

    def verify() -> int:
        report = audit.verify(at=now(), copies=directory / "copies")
        assert report.is_true, report.findings[0]  # noqa: S101 - a figure of something broken is none
        return report.sealed

    export = directory / "export.jsonl"

    def write_export() -> int:
        with export.open("w") as file:
            return sum(1 for _ in map(file.write, (f"{line}\n" for line in audit.export_lines(at=now()))))

    def check() -> int:
        pem = directory / "public.pem"
        pem.write_text(as_pem(next(iter(believed_keys().values()))))
        with export.open() as file:
            return check_export(iter(file), load_keys([pem])).proved

    _say(f"{os.cpu_count()} cores, entries of {len(payload)} bytes of payload, {TENANTS} tenants")
    parts: list[tuple[str, Callable[[], int]]] = [
        ("append, a transaction each", append_each),
        (f"append, {_AT_ONCE} in one statement", append_many),
        (f"send, {_IN_A_BATCH} in a batch", partial(_send, entries, tenants, payload.encode())),
        ("store what was sent", _store),
        ("seal and copy", seal),
        ("verify in the database", verify),
        ("export with proofs", write_export),
        ("check an export", check),
    ]
    for name, act in parts:
        _timed(name, act)
    _say_sizes()


def _send(entries: int, tenants: list[UUID], payload: bytes) -> int:
    """Send as the processes that decide do, without their threads."""
    from django.conf import settings  # noqa: PLC0415 - not before the environment is set
    from redis import Redis  # noqa: PLC0415 - as above

    from audit.records import Record, encode_record, joined, message_of, stream_key  # noqa: PLC0415 - as above
    from isolation.clock import now  # noqa: PLC0415 - as above

    with Redis.from_url(settings.REDIS_URL) as valkey:
        for n in range(entries // _IN_A_BATCH):
            tenant = tenants[n % TENANTS].bytes
            made = (uuid4().bytes for _ in range(_IN_A_BATCH))
            records = (Record(tenant, one, "decision", now(), "user", f"u{n}", b"", payload) for one in made)
            valkey.xadd(stream_key(), message_of(joined(map(encode_record, records))))
    return entries // _IN_A_BATCH * _IN_A_BATCH


def _store() -> int:
    from audit import api as audit  # noqa: PLC0415 - not before the environment is set

    return audit.drain().stored


def _say_sizes() -> None:
    from django.db import connections  # noqa: PLC0415 - as above

    with connections["sweep"].cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('audit_entry')), "
            "pg_total_relation_size('audit_leaf'), pg_total_relation_size('audit_checkpoint'), "
            "(SELECT count(*) FROM audit_leaf)"
        )
        entry, leaf, checkpoint, count = cursor.fetchone()
    _say(
        f"bytes an entry: {entry / count:.0f} the row, {leaf / count:.0f} its leaf, {checkpoint / count:.0f} checkpoints"
    )


def _timed(name: str, act: Callable[[], Any]) -> None:
    begun, before = time.perf_counter(), _used()
    count = act()
    seconds, after = time.perf_counter() - begun, _used()
    here, database = (after[of] - before[of] for of in ("here", "postgres"))
    _say(
        f"{name:<32} {count:>8} in {seconds:6.2f} s   {count / seconds:>9.0f}/s   {seconds / count * 1e6:>7.1f} us each"
        f"   of a processor {here / count * 1e6:>7.1f} us, and {database / count * 1e6:>7.1f} us of PostgreSQL's"
    )


def _used() -> dict[str, float]:
    """Sum the processor seconds of this process, and of PostgreSQL; 0 where nothing is known of it."""
    return {"here": time.process_time(), "postgres": used(embedded_roots()).get("postgres", 0.0)}


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
