"""A migrated database for each test process, and its rows put back before each test.

A migrated template is kept between runs, named after the code that it was made from. Rows that migrations made, and
those of each world that many tests begin with, are kept in a schema of their own. Before a test a function in the
database looks at every table, and empties and fills again those that hold anything else than is wanted: with triggers
off, so that append-only tables can be emptied too. What it put there itself it knows by the transaction that wrote
each row: as many rows as it wrote, all of its own, are as it wrote them.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from config.embedded import paths, roles

_ROOMS = (
    *("tiergate", "telemetry", "isolation", "audit", "licensing", "riskengine", "authlevels"),
    *("billing", "decisions", "console", "sample", "config"),
)
_TEMPLATE_PREFIX = "tiergate_template_"
_SEEDS = "tiergate_seeds"

_TABLES = """
    SELECT c.relname, array_agg(quote_ident(a.attname) ORDER BY a.attnum)
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND c.relname <> 'django_migrations'
    GROUP BY c.relname ORDER BY c.relname
"""

# held: what a world holds of a table. last: what a table was last filled with, and by which transaction.
_WORLDS: Final = """
    CREATE SCHEMA tiergate_worlds;
    CREATE TABLE tiergate_worlds.held (
        world text, name text, columns text NOT NULL, n bigint NOT NULL, content text NOT NULL, PRIMARY KEY (world, name)
    );
    CREATE TABLE tiergate_worlds.last (name text PRIMARY KEY, content text NOT NULL, xid bigint NOT NULL);
    CREATE FUNCTION tiergate_worlds.put_back(wanted text) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
        one record;
    BEGIN
        FOR one IN
            SELECT present.name, held.columns, held.content
            FROM ({present}) AS present
            LEFT JOIN tiergate_worlds.held ON held.world = wanted AND held.name = present.name
            LEFT JOIN tiergate_worlds.last ON last.name = present.name
            WHERE CASE
                WHEN held.n IS NULL THEN present.n > 0
                ELSE (held.n, held.content, last.xid, last.xid)
                    IS DISTINCT FROM (present.n, last.content, present.oldest, present.newest)
            END
        LOOP
            EXECUTE format('DELETE FROM public.%I', one.name);
            CONTINUE WHEN one.columns IS NULL;
            EXECUTE format(
                'INSERT INTO public.%1$I (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM %3$I.%1$I',
                one.name, one.columns, wanted
            );
            INSERT INTO tiergate_worlds.last VALUES (
                one.name, one.content, pg_current_xact_id()::xid::text::bigint
            ) ON CONFLICT (name) DO UPDATE SET (content, xid) = (EXCLUDED.content, EXCLUDED.xid);
        END LOOP;
    END
    $$
"""
_PRESENT: Final = """
    SELECT {name} AS name, count(*) AS n, min(xmin::text::bigint) AS oldest, max(xmin::text::bigint) AS newest
    FROM public.{table}
"""
_HELD: Final = """
    INSERT INTO tiergate_worlds.held
    SELECT {world}, {name}, {columns}, count(*), md5(string_agg(kept::text, E'\\n' ORDER BY kept::text))
    FROM {kept} AS kept
"""


class Worlds:
    """What tests begin with: the rows of migrations alone, or a world that was made once and is put back for each."""

    def __init__(self) -> None:
        self._connection = roles.superuser_connection(paths.database_name())
        # For good, since each change of it throws away what was planned.
        self._connection.execute("SET session_replication_role = replica; SET lock_timeout = '10s'")
        self._made: dict[str, Any] = {}

    def begin(self) -> None:
        """Put back what migrations made, and nothing else."""
        self._connection.execute("SELECT tiergate_worlds.put_back(%s)", [_SEEDS])

    def put_back[Made](self, name: str, make: Callable[[], Made], *, on: str = "") -> Made:
        """Put a world back row by row, and give what was made of it.

        name: also of the schema that keeps its rows.
        make: makes it through the rooms' doors, the first time in this process.
        on: the world that it is made on; on nothing, unless there is one.
        """
        if name not in self._made:
            self._connection.execute("SELECT tiergate_worlds.put_back(%s)", [on or _SEEDS])
            made = make()
            _keep(self._connection, name)
            self._made[name] = made
        self._connection.execute("SELECT tiergate_worlds.put_back(%s)", [name])
        found: Made = self._made[name]
        return found

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()


def create_database() -> None:
    """Make this process's test database."""
    name = paths.database_name()
    with _alone(), roles.superuser_connection() as server:
        template = _TEMPLATE_PREFIX + _fingerprint()
        existing = {row[0] for row in server.execute("SELECT datname FROM pg_database")}
        for old in existing:
            if old.startswith(_TEMPLATE_PREFIX) and old != template:
                roles.drop_database(server, old)
        if template not in existing:
            _migrate(server, name)
            server.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(template))
            )
        roles.copy_database(server, name, template=template)


def _migrate(server: psycopg.Connection, name: str) -> None:
    roles.drop_database(server, name)
    roles.ensure_database(server, name)
    call_command("migrate", verbosity=0, interactive=False)
    for connection in connections.all(initialized_only=True):
        connection.close()
    with roles.superuser_connection(name) as inside:
        present = sql.SQL(" UNION ALL ").join(
            sql.SQL(_PRESENT).format(name=sql.Literal(table), table=sql.Identifier(table))
            for table, _columns in inside.execute(_TABLES).fetchall()
        )
        inside.execute(sql.SQL(_WORLDS).format(present=present))
        _keep(inside, _SEEDS)


def _keep(inside: psycopg.Connection, schema: str) -> None:
    inside.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    for table, columns in inside.execute(_TABLES).fetchall():
        source, copy = sql.Identifier("public", table), sql.Identifier(schema, table)
        if inside.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(source)).fetchone() == (True,):
            inside.execute(sql.SQL("CREATE TABLE {} AS TABLE {}").format(copy, source))
            known = {"world": schema, "name": table, "columns": ", ".join(columns)}
            held = sql.SQL(_HELD).format(kept=copy, **{one: sql.Literal(value) for one, value in known.items()})
            inside.execute(held)


def _fingerprint() -> str:
    digest = hashlib.sha256()
    files = [paths.CHECKOUT / "requirements.txt", paths.CHECKOUT / "tests" / "rows.py"]
    for room in _ROOMS:
        files += (path for path in (paths.CHECKOUT / room).rglob("*") if path.suffix in {".py", ".sql", ".yaml"})
    for path in sorted(files):
        digest.update(f"{path.relative_to(paths.CHECKOUT)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _alone() -> Iterator[None]:
    descriptor = os.open(paths.place().keep / "template.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
