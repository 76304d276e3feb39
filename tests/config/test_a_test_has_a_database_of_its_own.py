"""What the fixtures promise every other test."""

import psycopg
import pytest
import redis
from django.db import DatabaseError, connections

from config.embedded import paths
from tests import rows

ALIASES = {"default": paths.APP, "sweep": paths.SWEEP, "owner": paths.OWNER}


@pytest.mark.django_db
@pytest.mark.parametrize(("alias", "role"), ALIASES.items())
def test_each_alias_connects_by_its_own_role_without_power_over_row_security(alias: str, role: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT current_user, current_database(), rolsuper, rolbypassrls, rolcreaterole, rolcreatedb"
            " FROM pg_roles WHERE rolname = current_user"
        )
        assert cursor.fetchone() == (role, paths.database_name(), False, False, False, False)


@pytest.mark.django_db
@pytest.mark.parametrize("alias", ["default", "sweep"])
@pytest.mark.parametrize(
    "statement",
    ["CREATE TABLE public.mine (id int)", "TRUNCATE django_content_type CASCADE", "DROP TABLE django_content_type"],
)
def test_neither_app_nor_sweep_changes_the_schema_or_truncates(alias: str, statement: str) -> None:
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner"), connections[alias].cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
@pytest.mark.parametrize("alias", ["default", "sweep"])
def test_app_and_sweep_write_rows_of_tables_that_migrations_made(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "INSERT INTO authlevels_attempt_counter (bucket, failures, window_started_at) "
            "VALUES ('network:nowhere', 1, now()) RETURNING id"
        )
        assert cursor.fetchone() is not None


@pytest.mark.django_db
@pytest.mark.parametrize("alias", ["default", "sweep"])
def test_app_and_sweep_only_read_the_frameworks_tables(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_content_type")
        assert cursor.fetchone() != (0,)
        with pytest.raises(DatabaseError, match="permission denied"):
            cursor.execute("INSERT INTO django_content_type (app_label, model) VALUES ('a', 'b')")


def _leave_traces() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("DELETE FROM auth_permission")
        cursor.execute("DELETE FROM django_content_type")
        cursor.execute("INSERT INTO django_content_type (app_label, model) VALUES ('left', 'behind')")


def _traces(valkey: redis.Redis) -> tuple[int, bool]:
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_content_type WHERE app_label = 'left'")
        found = cursor.fetchone()
        cursor.execute("SELECT EXISTS (SELECT FROM django_content_type WHERE app_label = 'admin')")
        seeded = cursor.fetchone()
    assert found is not None
    assert seeded is not None
    return found[0] + int(valkey.exists("left")), seeded[0]


@pytest.mark.django_db
@pytest.mark.parametrize("_turn", ["first", "second"])
def test_what_one_test_writes_or_deletes_the_next_does_not_find(valkey: redis.Redis, _turn: str) -> None:
    assert _traces(valkey) == (0, True)
    _leave_traces()
    valkey.set("left", "behind")


@pytest.mark.django_db
def test_no_table_is_written_that_is_as_it_was(rows_of_tests: rows.Worlds, superuser: psycopg.Connection) -> None:
    """Before each test all are looked at, and to write them all again would take longer than most tests do."""

    def written() -> dict[str, int]:
        return dict(superuser.execute("SELECT name, xid FROM tiergate_worlds.last").fetchall())

    rows_of_tests.begin()
    before = written()
    rows_of_tests.begin()
    assert written() == before
    _leave_traces()
    rows_of_tests.begin()
    after = written()
    assert {name for name in after if after[name] != before.get(name)} == {"auth_permission", "django_content_type"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO django_content_type (app_label, model) VALUES ('left', 'behind')",
        "DELETE FROM django_content_type WHERE id = (SELECT max(id) FROM django_content_type)",
        "UPDATE django_content_type SET model = 'other' WHERE id = (SELECT min(id) FROM django_content_type)",
        (
            "WITH gone AS (DELETE FROM django_content_type WHERE model = 'user' RETURNING *) "
            "INSERT INTO django_content_type OVERRIDING SYSTEM VALUE SELECT id, 'left', 'behind' FROM gone"
        ),
        "DELETE FROM django_content_type",
    ],
)
def test_whatever_was_changed_is_put_back(
    rows_of_tests: rows.Worlds, superuser: psycopg.Connection, change: str
) -> None:
    """A table that holds as many rows as before may hold others."""
    whole = "SELECT array_agg(t ORDER BY t) FROM django_content_type t"
    before = superuser.execute(whole).fetchone()
    superuser.execute("SET session_replication_role = replica")
    superuser.execute(change.encode())
    superuser.execute("RESET session_replication_role")
    assert superuser.execute(whole).fetchone() != before
    rows_of_tests.begin()
    assert superuser.execute(whole).fetchone() == before
