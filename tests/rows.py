"""A migrated database for each test process, and its rows put back before each test.

A migrated template is kept between runs, named after the code that it was made from. Rows that
migrations made are kept in a schema of their own; before a test every table is emptied and these
are put back, by one round trip of the bootstrap superuser with triggers off, so that append-only
tables can be emptied too.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

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


def create_database() -> str:
    """Make this process's test database and return the statement that restores its rows."""
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
    with roles.superuser_connection(name) as inside:
        return _restoring(inside)


def drop_database() -> None:
    """Drop this process's test database."""
    with roles.superuser_connection() as server:
        roles.drop_database(server, paths.database_name())


def _migrate(server: psycopg.Connection, name: str) -> None:
    roles.drop_database(server, name)
    roles.ensure_database(server, name)
    call_command("migrate", verbosity=0, interactive=False)
    for connection in connections.all(initialized_only=True):
        connection.close()
    with roles.superuser_connection(name) as inside:
        _keep(inside, _SEEDS)


def keep_rows(inside: psycopg.Connection, name: str) -> str:
    """Copy every row of now into a schema of its own and return the statement that puts them back.

    For a world that many tests begin with: made once through the rooms' doors, then put back in one round trip.
    """
    _keep(inside, name)
    return _restoring(inside, name)


def _keep(inside: psycopg.Connection, schema: str) -> None:
    inside.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    for table, _columns in inside.execute(_TABLES).fetchall():
        source = sql.Identifier("public", table)
        if inside.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(source)).fetchone() == (True,):
            copy = sql.Identifier(schema, table)
            inside.execute(sql.SQL("CREATE TABLE {} AS TABLE {}").format(copy, source))


def _restoring(inside: psycopg.Connection, schema: str = _SEEDS) -> str:
    seeded = {row[0] for row in inside.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,))}
    statements: list[sql.Composable] = [
        sql.SQL("SET LOCAL lock_timeout = '10s'"),
        sql.SQL("SET LOCAL session_replication_role = replica"),
    ]
    for table, columns in inside.execute(_TABLES).fetchall():
        target = sql.Identifier("public", table)
        statements.append(sql.SQL("DELETE FROM {}").format(target))
        if table in seeded:
            names = sql.SQL(", ").join(map(sql.SQL, columns))
            statements.append(
                sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}").format(
                    target, names, names, sql.Identifier(schema, table)
                )
            )
    # One simple-protocol message of many statements is one transaction.
    return sql.SQL("; ").join(statements).as_string(inside)


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
