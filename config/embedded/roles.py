"""Who may do what in a database: the owner changes its shape, the app and the sweep its rows.

The bootstrap superuser is used for this and nothing else.
"""

import shutil
from typing import LiteralString

import psycopg
from psycopg import sql

from config.embedded.paths import APP, BOOTSTRAP, OWNER, SWEEP, database_url, risk_directory, seal_directory

# No role below is a superuser or bypasses row-level security.
_ROLE = "NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION LOGIN"

# Rights on tables are the migrations' alone, so that one that is missing is missed here as in production.
_GRANTS: tuple[LiteralString, ...] = (
    "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
    "GRANT CONNECT ON DATABASE {database} TO {app}, {sweep}",
    "ALTER SCHEMA public OWNER TO {owner}",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SCHEMA public TO {app}, {sweep}",
)


def superuser_connection(database: str = "postgres") -> psycopg.Connection:
    """Connect as the bootstrap superuser, outside any transaction."""
    return psycopg.connect(database_url(BOOTSTRAP, database=database), autocommit=True)


def ensure_roles(connection: psycopg.Connection) -> None:
    """Create the three roles that are missing."""
    for role in (OWNER, APP, SWEEP):
        if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", role):
            connection.execute(sql.SQL("CREATE ROLE {} " + _ROLE).format(sql.Identifier(role)))


def ensure_database(connection: psycopg.Connection, name: str) -> None:
    """Create a database that the owner owns and where app and sweep reach rows, unless it exists.

    It grows under another name and takes its own when it is whole, so that one whose grants were
    cut short is never used.
    """
    if _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", name):
        return
    growing = f"{name}_new"
    drop_database(connection, growing)
    connection.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(sql.Identifier(growing), sql.Identifier(OWNER))
    )
    with superuser_connection(growing) as inside:
        grant(inside, growing)
    connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(growing), sql.Identifier(name)))


def grant(connection: psycopg.Connection, database: str) -> None:
    """Give the roles their rights in the database that `connection` is in."""
    names = {
        "database": sql.Identifier(database),
        "owner": sql.Identifier(OWNER),
        "app": sql.Identifier(APP),
        "sweep": sql.Identifier(SWEEP),
    }
    for statement in _GRANTS:
        connection.execute(sql.SQL(statement).format(**names))


def copy_database(connection: psycopg.Connection, name: str, *, template: str) -> None:
    """Replace a database by a copy of another; rights on the database itself are granted anew."""
    drop_database(connection, name)
    connection.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template)
        )
    )
    with superuser_connection(name) as inside:
        grant(inside, name)


def drop_database(connection: psycopg.Connection, name: str) -> None:
    """Drop a database if it exists, ending whoever is connected to it, and the copies of its trail's checkpoints."""
    shutil.rmtree(seal_directory(name), ignore_errors=True)
    shutil.rmtree(risk_directory(name), ignore_errors=True)
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _exists(connection: psycopg.Connection, query: LiteralString, name: str) -> bool:
    return connection.execute(query, (name,)).fetchone() is not None
