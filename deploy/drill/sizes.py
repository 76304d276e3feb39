"""What a row, a record and a decision weigh: the figures that docs/scaling.md reckons with."""

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import redis
from psycopg import sql

from config.demo.children import living
from config.embedded.processes import wait_until
from deploy.drill.cluster import DrillError, machine
from deploy.drill.installation import Process, client, installation, made_secrets, valkey
from deploy.drill.questions import QUESTIONS, Question

_ROUTINE: Final = 3000
_DURABLE: Final = 1000
_WARM: Final = 300
_ROWS: Final = 20_000
_TABLES: Final = (
    "audit_entry",
    "audit_person",
    "authlevels_user",
    "authlevels_totpdevice",
    "authlevels_session",
    "authlevels_proof",
    "licensing_member",
    "licensing_tenant",
    "licensing_subscription",
)


@dataclass(slots=True, kw_only=True)
class Sizes:
    """Bytes: of a row with its share of the indexes, by table; written ahead, by kind of decision; in Valkey a record."""

    rows: dict[str, float] = field(default_factory=dict)
    wal: dict[str, float] = field(default_factory=dict)
    valkey: float = 0.0
    sealed: float = 0.0
    connections: int = 0
    memory: int = 0


def sizes(say: Callable[[str], None]) -> Sizes:
    """Measure them on servers of this machine that are made for it and removed again.

    :raises DrillError: a step failed.
    """
    logging.getLogger("httpx").setLevel(logging.WARNING)
    given, found = made_secrets(), Sizes()
    with machine(given) as here, valkey(here) as redis_url:
        cluster = here.cluster("measured")
        cluster.make()
        cluster.start()
        cluster.prepare()
        with installation(here, secrets=given, cluster=cluster, valkey_url=redis_url) as ours:
            made = ours.seed()
            decide = ours.start("decide")
            kinds = {"a routine allow": _ROUTINE, "an action that nobody declared": _DURABLE}
            for name, count in kinds.items():
                say(f"{count} x {name} ...")
                _ask(decide, QUESTIONS[name], made, _WARM)
                with cluster.superuser() as connection:
                    found.connections = max(found.connections, _connections(connection))
                    found.wal[name] = _written(connection, decide, QUESTIONS[name], made, count)
            found.valkey = _stream_bytes(redis_url)
            found.memory = _resident_bytes(decide)
            ours.end()
            say(f"Rows of {len(_TABLES)} tables, {_ROWS} of each ...")
            with cluster.superuser() as connection:
                for table in _TABLES:
                    found.rows[table] = _row_bytes(connection, table)
            say("Sealing them ...")
            done = ours.manage("audit", "seal")
            if done.returncode:
                raise DrillError(f"The trail could not be sealed:\n{done.stderr.strip()}")
            with cluster.superuser() as connection:
                found.sealed = _sealed_bytes(connection)
    return found


def _ask(decide: Process, question: Question, made: Mapping[str, Any], count: int) -> None:
    with client() as http:
        for _ in range(count):
            said = http.post(
                decide.url("/access/v1/evaluation"),
                headers={"Authorization": f"Bearer {made['credentials'][question.tenant]}"},
                json=question.body(made),
            )
            if said.status_code != httpx.codes.OK or said.json()["context"]["outcome"] != question.outcome:
                raise DrillError(f"{question.action}: {said.status_code} {said.text}\n{decide.last_words()}")


def _written(
    connection: psycopg.Connection, decide: Process, question: Question, made: Mapping[str, Any], count: int
) -> float:
    """Ask, and return how many bytes a decision had the database write ahead."""
    connection.execute("CHECKPOINT")
    before = _wal(connection)
    _ask(decide, question, made, count)
    return (_wal(connection) - before) / count


def _resident_bytes(process: Process) -> int:
    """Weigh the largest process of a server, which is its worker."""
    master = Path(f"/proc/{process.running.pid}/task/{process.running.pid}/children").read_text().split()
    held = [Path(f"/proc/{pid}/statm").read_text().split()[1] for pid in living(int(one) for one in master)]
    return max(int(pages) for pages in held) * os.sysconf("SC_PAGE_SIZE")


def _wal(connection: psycopg.Connection) -> int:
    (found,) = connection.execute("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint").fetchone() or (0,)
    return int(found)


def _connections(connection: psycopg.Connection) -> int:
    (found,) = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'tiergate_app'"
    ).fetchone() or (0,)
    return int(found)


def _stream_bytes(url: str) -> float:
    """Weigh what waits in Valkey, by entry: no worker runs, so that all of it waits."""
    with redis.Redis.from_url(url) as valkey_client:

        def streams() -> list[bytes]:
            return list(valkey_client.scan_iter(_type="stream"))

        until = time.monotonic() + 2
        wait_until(lambda: bool(streams()) or time.monotonic() > until, seconds=3)
        held = streams()
        records = sum(int(valkey_client.xlen(one)) for one in held)
        weight = sum(int(valkey_client.memory_usage(one, samples=0) or 0) for one in held)
    return weight / (_ROUTINE + _WARM) if records else 0.0


def _row_bytes(connection: psycopg.Connection, table: str) -> float:
    """Copy the rows that the product wrote until there are many, and weigh them with their indexes."""
    columns = [
        (str(name), str(kind), bool(is_unique))
        for name, kind, is_unique in connection.execute(
            "SELECT a.attname, format_type(a.atttypid, NULL), EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid"
            " AND (i.indisunique OR i.indisexclusion) AND a.attnum = ANY (i.indkey)) FROM pg_attribute a"
            " WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''",
            (table,),
        )
    ]
    made_up = {
        "uuid": sql.SQL("gen_random_uuid()"),
        "bigint": sql.SQL("1000000 + row_number() OVER ()"),
        "text": sql.SQL("left(md5(random()::text) || {0}, greatest(length({0}), 8))"),
        "character varying": sql.SQL("left(md5(random()::text) || {0}, greatest(length({0}), 8))"),
        "bytea": sql.SQL("uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())"),
    }
    # What must be one of a kind is made up anew.
    chosen = [
        made_up[kind].format(sql.Identifier(name)) if is_unique and kind in made_up else sql.Identifier(name)
        for name, kind, is_unique in columns
    ]
    names = sql.SQL(", ").join(sql.Identifier(name) for name, _, _ in columns)
    target = sql.Identifier(table)
    (there,) = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(target)).fetchone() or (0,)
    if not there:
        return 0.0
    # A copy with the indexes and without the checks, which made-up words would not pass.
    copy = sql.Identifier(f"{table}_copy")
    connection.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING INDEXES)").format(copy, target))
    connection.execute(
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}, generate_series(1, %s) ON CONFLICT DO NOTHING").format(
            copy, names, sql.SQL(", ").join(chosen), target
        ),
        (_ROWS // there + 1,),
    )
    connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(copy))
    row = connection.execute(
        sql.SQL("SELECT pg_total_relation_size(%s::regclass), count(*) FROM {}").format(copy), (f"{table}_copy",)
    ).fetchone()
    if row is None or row[1] < _ROWS // 2:
        raise DrillError(f"{table} holds too few rows to weigh them: {row}.")
    return float(row[0]) / float(row[1])


def _sealed_bytes(connection: psycopg.Connection) -> float:
    row = connection.execute(
        "SELECT pg_total_relation_size('audit_leaf') + pg_total_relation_size('audit_node'), count(*) FROM audit_leaf"
    ).fetchone()
    return float(row[0]) / float(row[1]) if row and row[1] else 0.0
