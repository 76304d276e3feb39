"""Months of the trail lie in tables of their own, each as closed as the whole."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import DatabaseError, OperationalError, connection, connections, transaction

import audit.api
from audit.partitions import make_parts
from config.embedded import paths
from isolation.api import tenant_transaction
from isolation.clock import now
from tests.attacks.parallel import at_once
from tests.audit.conftest import Trail
from tests.isolation.conftest import NOON

pytestmark = pytest.mark.django_db

INSERT = (
    "INSERT INTO audit_entry (id, tenant_id, kind, at, subject_type, subject_id, payload{more}) "
    "VALUES (%s, %s, 'decision', %s, '', '', '{{}}'{values})"
)


def parts(superuser: psycopg.Connection) -> Iterator[str]:
    found = superuser.execute(
        "SELECT relid::regclass::text FROM pg_partition_tree('audit_entry') WHERE isleaf ORDER BY 1"
    ).fetchall()
    yield from (row[0] for row in found)


def make(month: str) -> str:
    with connections["sweep"].cursor() as cursor:
        cursor.execute("SELECT audit_make_part(%s)", [month])
        return str(cursor.fetchone()[0])


def test_the_coming_months_have_their_tables_and_there_is_one_for_the_rest(superuser: psycopg.Connection) -> None:
    names = list(parts(superuser))
    assert "audit_parts.entry_other" in names
    assert len(names) >= 5
    bounds = superuser.execute(
        "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = %s", [f"entry_{now():%Y_%m}"]
    ).fetchone()
    assert bounds is not None
    assert f"FROM ('{now():%Y-%m}-01 00:00:00+00')" in bounds[0]


def test_no_role_that_serves_reaches_a_months_table(superuser: psycopg.Connection) -> None:
    for part in parts(superuser):
        for alias in ("default", "sweep"):
            for statement in (
                "SELECT count(*) FROM {}",
                "DELETE FROM {}",
                "TRUNCATE {}",
                "INSERT INTO {} DEFAULT VALUES",
            ):
                with (
                    pytest.raises(DatabaseError, match="permission denied"),
                    transaction.atomic(using=alias),
                    connections[alias].cursor() as cursor,
                ):
                    cursor.execute(statement.format(part))


def test_a_months_table_stays_closed_where_a_grant_was_made_by_mistake(
    tenants: tuple[UUID, UUID], superuser: psycopg.Connection
) -> None:
    part = f"audit_parts.entry_{now():%Y_%m}"
    superuser.execute("GRANT USAGE ON SCHEMA audit_parts TO tiergate_app")
    superuser.execute(f"GRANT ALL ON {part} TO tiergate_app".encode())
    try:
        with tenant_transaction(tenants[0]), connection.cursor() as cursor:
            cursor.execute(
                "SELECT audit_append(%s, %s, 'decision', %s, '', '', NULL, '{}')", [tenants[0], uuid4(), now()]
            )
            cursor.execute(f"SELECT count(*) FROM {part}")  # noqa: S608 - ours
            assert cursor.fetchone() == (0,)
            cursor.execute(f"DELETE FROM {part}")  # noqa: S608 - ours
            assert cursor.rowcount == 0
        with (
            pytest.raises(DatabaseError, match="row-level security"),
            tenant_transaction(tenants[0]),
            connection.cursor() as cursor,
        ):
            cursor.execute(INSERT.format(more="", values="").replace("audit_entry", part), [uuid4(), tenants[0], now()])
        with (
            pytest.raises(DatabaseError, match="append-only"),
            tenant_transaction(tenants[0]),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"TRUNCATE {part}")
    finally:
        superuser.execute(f"REVOKE ALL ON {part} FROM tiergate_app".encode())
        superuser.execute("REVOKE USAGE ON SCHEMA audit_parts FROM tiergate_app")


def test_not_even_the_owner_changes_a_months_table(tenants: tuple[UUID, UUID], superuser: psycopg.Connection) -> None:
    with tenant_transaction(tenants[0]):
        audit.api.append(tenant_id=tenants[0], kind=audit.api.Kind.DECISION, at=now(), payload={})
    full = f"audit_parts.entry_{now():%Y_%m}"
    changes = (f"UPDATE {full} SET kind = 'forged'", f"DELETE FROM {full}")  # noqa: S608 - ours
    for part in parts(superuser):
        for statement in (f"TRUNCATE {part}", *changes):
            with (
                pytest.raises(DatabaseError, match="append-only"),
                transaction.atomic(using="owner"),
                connections["owner"].cursor() as cursor,
            ):
                cursor.execute(statement)


@pytest.mark.parametrize("table", ["audit_leaf", "audit_node", "audit_checkpoint"])
@pytest.mark.parametrize("alias", ["default", "sweep", "owner"])
def test_nobody_changes_the_sealed_tree(trail: Trail, alias: str, table: str) -> None:
    trail.append(count=256)
    trail.seal(batch=1_000)
    column = "hash" if table != "audit_checkpoint" else "signature"
    changes = (f"UPDATE {table} SET {column} = ''", f"DELETE FROM {table}")  # noqa: S608 - ours
    for statement in (*changes, f"TRUNCATE {table}"):
        with (
            pytest.raises(DatabaseError, match="append-only" if alias == "owner" else "permission denied"),
            tenant_transaction(trail.acme, using=alias),
            connections[alias].cursor() as cursor,
        ):
            cursor.execute(statement)


def test_the_app_adds_nothing_to_the_tree_and_sees_its_tenants_leaves_alone(trail: Trail) -> None:
    with tenant_transaction(trail.globex), connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tenant_id FROM audit_leaf")
        assert cursor.fetchall() == [(trail.globex,)]
    for statement in (
        "INSERT INTO audit_leaf SELECT * FROM audit_leaf",
        "INSERT INTO audit_checkpoint SELECT * FROM audit_checkpoint",
        "SELECT count(*) FROM audit_node",
        "SELECT audit_make_part('2027-01-01')",
        "SELECT audit_boundary()",
        "SELECT * FROM audit_stray_months()",
    ):
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            tenant_transaction(trail.globex),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


@pytest.mark.parametrize("alias", ["default", "sweep"])
@pytest.mark.parametrize("column", ["seq", "xid"])
def test_whoever_appends_chooses_neither_number_nor_transaction(
    tenants: tuple[UUID, UUID], alias: str, column: str
) -> None:
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        tenant_transaction(tenants[0], using=alias),
        connections[alias].cursor() as cursor,
    ):
        cursor.execute(INSERT.format(more=f", {column}", values=", '7'"), [uuid4(), tenants[0], NOON])


@pytest.mark.parametrize("alias", ["default", "sweep"])
def test_whoever_appends_does_not_set_the_numbers_back(tenants: tuple[UUID, UUID], alias: str) -> None:
    for statement in (
        "SELECT setval('audit_entry_order_seq', 1)",
        "ALTER SEQUENCE audit_entry_order_seq RESTART",
    ):
        with (
            pytest.raises(DatabaseError, match=r"permission denied|must be owner"),
            transaction.atomic(using=alias),
            connections[alias].cursor() as cursor,
        ):
            cursor.execute(statement)


@pytest.mark.parametrize("alias", ["default", "sweep"])
def test_an_entry_that_arrives_again_is_stored_once(tenants: tuple[UUID, UUID], alias: str) -> None:
    entry, counts = uuid4(), []
    for _ in range(2):
        with tenant_transaction(tenants[0], using=alias), connections[alias].cursor() as cursor:
            cursor.execute(
                INSERT.format(more="", values="") + " ON CONFLICT (id, at) DO NOTHING", [entry, tenants[0], NOON]
            )
            counts.append(cursor.rowcount)
    assert counts == [1, 0]


def test_one_statement_appends_and_says_whose_transaction_it_is(tenants: tuple[UUID, UUID]) -> None:
    acme, globex = tenants
    call = "SELECT audit_append(%s, %s, 'decision', %s, 'user', 'alice', NULL, '{\"of\": 1}'::jsonb)"
    entry = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(call, [acme, entry, NOON])
        cursor.execute("SELECT coalesce(current_setting('app.tenant_id', true), '')")
        assert cursor.fetchone() == ("",)
    with tenant_transaction(acme):
        assert audit.api.get_entry(tenant_id=acme, entry_id=entry, kind=audit.api.Kind.DECISION).payload == {"of": 1}
    with (
        pytest.raises(DatabaseError, match="already serves another tenant"),
        tenant_transaction(globex),
        connection.cursor() as cursor,
    ):
        cursor.execute(call, [acme, uuid4(), NOON])


def test_an_entry_of_a_month_without_a_table_is_kept_and_moved_as_it_is_when_there_is_one(
    trail: Trail, superuser: psycopg.Connection
) -> None:
    far = now() + timedelta(days=130)
    (entry,) = trail.append(at=far)
    trail.seal()
    where = "SELECT tableoid::regclass::text, to_jsonb(e) FROM audit_entry e WHERE id = %s"
    before = trail.one(where, [entry])
    assert before[0] == "audit_parts.entry_other"
    assert make_parts(at=now())[f"{far:%Y-%m}"] == "made, 1 moved"
    assert trail.one(where, [entry]) == (f"audit_parts.entry_{far:%Y_%m}", before[1])
    done = make_parts(at=now())
    assert set(done.values()) == {"there"}
    assert f"{far:%Y-%m}" not in done
    assert trail.verify().is_true
    for statement in (f"DELETE FROM audit_parts.entry_{far:%Y_%m}", "TRUNCATE audit_parts.entry_other"):  # noqa: S608 - ours
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(using="owner"),
            connections["owner"].cursor() as cursor,
        ):
            cursor.execute(statement)
    guarded = superuser.execute(
        "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = %s", [f"entry_{far:%Y_%m}"]
    ).fetchone()
    assert guarded == (True, True)


def test_the_catch_all_refuses_changes_after_a_month_was_taken_out_of_it(trail: Trail) -> None:
    (kept,) = trail.append(at=datetime(1999, 5, 5, tzinfo=UTC))
    assert make("2002-03-01") == "made"
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(using="owner"),
        connections["owner"].cursor() as cursor,
    ):
        cursor.execute("DELETE FROM audit_parts.entry_other")
    assert trail.one("SELECT tableoid::regclass::text FROM audit_entry WHERE id = %s", [kept])[0].endswith("other")


def test_while_somebody_writes_to_the_catch_all_the_month_waits_and_entries_do_not(trail: Trail) -> None:
    with psycopg.connect(paths.database_url(paths.OWNER)) as other:
        other.execute(
            "INSERT INTO audit_entry (id, tenant_id, kind, at, subject_type, subject_id, payload) "
            "VALUES (%s, %s, 'decision', '2399-01-01', '', '', '{}')",
            [uuid4(), trail.acme],
        )
        with pytest.raises(OperationalError, match="lock timeout"):
            make("2003-05-01")
        trail.append()
    assert make("2003-05-01") == "made"


def test_two_makers_at_once_make_one_table(tenants: tuple[UUID, UUID]) -> None:
    assert sorted(map(str, at_once(lambda _n: make("2004-07-01"), count=4))) == ["made", "there", "there", "there"]


@pytest.mark.parametrize("month", ["1999-12-01", "2399-01-01", None])
def test_the_sweep_makes_no_table_of_a_month_that_is_far_away(tenants: tuple[UUID, UUID], month: str | None) -> None:
    with pytest.raises(DatabaseError, match="no part is made for"), connections["sweep"].cursor() as cursor:
        cursor.execute("SELECT audit_make_part(%s::date)", [month])
