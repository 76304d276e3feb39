"""Whatever SQL somebody gets into a transaction of Acme's, as the app's role: nothing of Globex comes out of it.

What this cannot hold off is SQL that names another tenant itself: the app's role serves every tenant, one after the
other. So no text of a request ever becomes SQL, and `test_the_code_keeps_tenants_apart` walks the sources for that.
"""

from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection
from psycopg import sql

from isolation.api import tenant_transaction
from tests.isolation.schema import tenant_tables
from tests.isolation.sides import World
from tests.isolation.test_the_orm_stays_in_its_tenant import rows_of

pytestmark = pytest.mark.django_db

# Each is a way of reading; all must leave out what is Globex's. %(tenant)s is Globex's id.
READS = (
    "SELECT t::text FROM {table} t",
    "TABLE {table}",
    "SELECT t::text FROM ONLY {table} t WHERE true OR tenant_id = %(tenant)s",
    "SELECT t::text FROM {table} t WHERE tenant_id = %(tenant)s",
    "SELECT t::text FROM {table} t WHERE NOT (tenant_id <> %(tenant)s)",
    "SELECT array_agg(t::text) FROM {table} t",
    "SELECT jsonb_agg(to_jsonb(t)) FROM {table} t",
    "SELECT xmlagg(xmlelement(name x, t::text))::text FROM {table} t",
    "SELECT query_to_xml('SELECT * FROM {table}', true, false, '')::text",
    "SELECT table_to_xml('{table}', true, false, '')::text",
    "WITH t AS MATERIALIZED (SELECT * FROM {table}) SELECT t::text FROM t",
    "SELECT t::text FROM {table} t TABLESAMPLE SYSTEM (100)",
    "SELECT o.x FROM (SELECT 1) a, LATERAL (SELECT t::text AS x FROM {table} t WHERE t.tenant_id = %(tenant)s) o",
    (
        "SELECT t::text FROM {table} t WHERE ctid = ANY (ARRAY(SELECT format('(%%s,%%s)', p, n)::tid FROM"
        " generate_series(0, 3) p, generate_series(1, 60) n))"
    ),
    "SELECT t::text FROM {table} t WHERE EXISTS (SELECT FROM {table} o WHERE o.tenant_id <> t.tenant_id)",
    "EXPLAIN (ANALYZE, VERBOSE) SELECT t::text FROM {table} t WHERE tenant_id = %(tenant)s",
    "COPY (SELECT * FROM {table}) TO STDOUT",
    "COPY {table} TO STDOUT",
    "SET LOCAL row_security = off; SELECT t::text FROM {table} t",
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SELECT t::text FROM {table} t ORDER BY tenant_id",
    "DECLARE c SCROLL CURSOR FOR SELECT t::text FROM {table} t; FETCH ALL FROM c",
    "PREPARE {table} AS SELECT t::text FROM {table} t; EXECUTE {table}",
    (
        "DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM {table} LOOP"
        " IF r.tenant_id <> current_setting('app.tenant_id')::uuid THEN RAISE EXCEPTION 'leaked'; END IF; END LOOP; END $$"
    ),
    (
        "MERGE INTO {table} t USING (SELECT %(tenant)s::uuid AS id) s ON t.tenant_id = s.id"
        " WHEN MATCHED THEN DELETE RETURNING t::text"
    ),
    "UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = %(tenant)s RETURNING {table}::text",
    "DELETE FROM {table} WHERE tenant_id = %(tenant)s RETURNING {table}::text",
    "SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats WHERE tablename = '{table}'",
    "SELECT s::text FROM pg_stats_ext s WHERE tablename = '{table}'",
    "SELECT s::text FROM pg_stats_ext_exprs s WHERE tablename = '{table}'",
    "SELECT stavalues1::text FROM pg_statistic WHERE starelid = '{table}'::regclass",
    "SELECT lo_get(loid)::text FROM pg_largeobject_metadata m(loid)",
    "SELECT * FROM pg_read_file('PG_VERSION')",
)

# Each would end the keeping apart, for this transaction or for later ones; all are refused.
DEEDS = (
    "SET ROLE tiergate_sweep",
    "SET ROLE tiergate_owner",
    "SET SESSION AUTHORIZATION tiergate_owner",
    "SET LOCAL session_replication_role = replica",
    "ALTER ROLE tiergate_app BYPASSRLS",
    "ALTER ROLE tiergate_app SET app.tenant_id = '00000000-0000-0000-0000-000000000000'",
    "ALTER TABLE licensing_member DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE licensing_member NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY tenant_rows ON licensing_member",
    "CREATE POLICY more ON licensing_member USING (true)",
    "TRUNCATE licensing_member",
    "DROP TABLE sample_deletion",
    "CREATE TABLE kept (x text)",
    "CREATE TEMP TABLE licensing_generation (scope uuid PRIMARY KEY, number bigint)",
    "SELECT * INTO TEMP kept FROM licensing_member",
    "CREATE VIEW kept AS SELECT 1",
    "CREATE FUNCTION kept() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION pg_temp.kept() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA kept",
    "CREATE TRIGGER kept AFTER INSERT ON licensing_member EXECUTE FUNCTION licensing_bump_catalogue()",
    "CREATE EXTENSION dblink",
    "CREATE PUBLICATION kept FOR ALL TABLES",
    "SELECT licensing_bump_one('00000000-0000-0000-0000-000000000000')",
    "SELECT nextval('licensing_generation_seq')",
    "SELECT last_value FROM licensing_generation_seq",
    "UPDATE licensing_generation SET number = 0",
    "SELECT authlevels_raise_standing('00000000-0000-0000-0000-000000000000')",
    "SELECT nextval('authlevels_standing_seq')",
    "UPDATE authlevels_standing SET number = 0",
    "INSERT INTO authlevels_standing VALUES ('00000000-0000-0000-0000-000000000000', 0)",
    "DELETE FROM authlevels_standing",
    "SELECT rolpassword FROM pg_authid",
    "COPY licensing_member TO '/tmp/kept'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
)


def said(rows: list[Any]) -> str:
    return "\n".join(str(row) for row in rows)


def ask(statements: str, named: dict[str, Any]) -> str:
    """Run what an attacker would, in a transaction of the app's role that is under way; give all that comes back."""
    out = []
    for one in statements.split("; ") if "$$" not in statements else [statements]:
        with connection.cursor() as cursor:
            if one.startswith("COPY"):
                with cursor.cursor.copy(one) as copy:
                    out += list(copy)
                continue
            cursor.execute(one, named if "%(" in one or "%%" in one else None)
            if cursor.description is not None:
                out += cursor.fetchall()
    return said(out)


def test_no_way_of_reading_gives_another_tenants_rows(world: World, superuser: psycopg.Connection) -> None:
    superuser.execute("ANALYZE")
    before = rows_of(superuser, world)
    tenant_id = world.globex.tenant_id
    marks = [*world.marks, tenant_id.hex]
    told_something = 0
    for table in tenant_tables(superuser):
        for read in READS:
            try:
                with tenant_transaction(world.acme.tenant_id):
                    told = ask(read.format(table=table), {"tenant": tenant_id})
                    # A plan repeats the question.
                    assert "EXPLAIN" in read or str(tenant_id) not in told, (table, read)
            except DatabaseError as refused:
                told = str(refused)
                assert "leaked" not in told
            told_something += world.acme.tenant_id.hex in told.replace("-", "")
            found = [mark for mark in marks if mark in told and mark != str(tenant_id)]
            assert not found, (table, read, found)
    assert rows_of(superuser, world) == before
    # The ways do read: Acme's own rows came out of most of them.
    assert told_something > 9 * len(tenant_tables(superuser))


@pytest.mark.parametrize("deed", DEEDS)
def test_nothing_that_would_end_the_keeping_apart_is_granted(world: World, deed: str) -> None:
    with (
        pytest.raises(DatabaseError, match=r"(?i)permission|must be|denied|only roles"),
        tenant_transaction(world.acme.tenant_id),
        connection.cursor() as cursor,
    ):
        cursor.execute(deed)


# Each is an error for the row whose subject is the one named, and true for any other.
CONDITIONS = (
    "1 / (CASE WHEN subject_id = %s THEN 0 ELSE 1 END) = 1",
    "(CASE WHEN subject_id = %s THEN 'no number' ELSE '1' END)::int = 1",
    "jsonb_typeof((CASE WHEN subject_id = %s THEN 'no json' ELSE '{}' END)::jsonb) = 'object'",
    "display_name ~ (CASE WHEN subject_id = %s THEN '(' ELSE '' END)",
)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_no_condition_is_tried_on_a_row_that_the_policy_hides(world: World, condition: str) -> None:
    """An error, or a function that talks, would tell of rows that are never returned."""
    assert _members_where(condition, world, of=world.globex.person) == 2
    with pytest.raises(DatabaseError):
        _members_where(condition, world, of=world.acme.person)


def _members_where(condition: str, world: World, *, of: str) -> int:
    query = f"SELECT count(*) FROM licensing_member WHERE {condition}"  # noqa: S608 - what an attacker does
    with tenant_transaction(world.acme.tenant_id), connection.cursor() as cursor:
        cursor.execute(query, [of])
        found: int = cursor.fetchone()[0]
    return found


def test_no_statistics_of_tenants_rows_are_shown_and_those_of_others_are(
    world: World, superuser: psycopg.Connection
) -> None:
    superuser.execute("ANALYZE")
    with tenant_transaction(world.acme.tenant_id), connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tablename FROM pg_stats WHERE schemaname = 'public'")
        shown = {row[0] for row in cursor.fetchall()}
    assert not shown & set(tenant_tables(superuser))
    assert "licensing_tenant" in shown


def test_a_duplicate_of_another_tenants_row_is_none(world: World, superuser: psycopg.Connection) -> None:
    """Everything that is unique is unique for a tenant: Acme may have what Globex has, and is told nothing by it."""
    acme, globex = world.acme.tenant_id, world.globex.tenant_id
    for table in tenant_tables(superuser):
        columns = [
            (row[0], row[1])
            for row in superuser.execute(
                "SELECT attname, atttypid = 'jsonb'::regtype FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
                " AND attgenerated = '' AND attidentity = '' AND atttypid <> 'uuid'::regtype AND NOT EXISTS"
                " (SELECT FROM pg_constraint c WHERE c.conrelid = attrelid AND c.contype = 'f' AND attnum = ANY (c.conkey))",
                [table],
            ).fetchall()
        ]
        names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns)
        taken = sql.SQL("SELECT {} FROM {} WHERE tenant_id = %s LIMIT 1").format(names, sql.Identifier(table))
        row = superuser.execute(taken, [globex]).fetchone()
        assert row is not None
        try:
            with tenant_transaction(acme), connection.cursor() as cursor:
                put = sql.SQL("UPDATE {} SET ({}) = ROW ({}) WHERE ctid = (SELECT ctid FROM {} LIMIT 1)").format(
                    sql.Identifier(table),
                    names,
                    sql.SQL(", ").join(
                        sql.Literal(_plain(value, is_json=is_json))
                        for value, (_, is_json) in zip(row, columns, strict=True)
                    ),
                    sql.Identifier(table),
                )
                cursor.execute(put.as_string(superuser))
                connection.set_rollback(True)
        except DatabaseError as refused:
            told = str(refused)
            assert not any(mark in told for mark in world.marks), told
            # Only what holds a secret already is unique beyond its tenant.
            assert "duplicate" not in told or "secret" in told, told


def _plain(value: Any, *, is_json: bool) -> Any:
    from psycopg.types.json import Jsonb  # noqa: PLC0415 - beside its one use

    return Jsonb(value) if is_json and value is not None else value
