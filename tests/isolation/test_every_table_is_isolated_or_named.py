"""No table is left out: each is isolated in the database itself, or named with a reason why not."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder

from isolation.api import GLOBAL_TABLES
from isolation.roles import APP_ROLE, SWEEP_ROLE

pytestmark = pytest.mark.django_db


def tables() -> Iterator[str]:
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and not model._meta.proxy:
            yield model._meta.db_table


def columns(table: str) -> set[str]:
    with connections["sweep"].cursor() as cursor:
        return {column.name for column in connections["sweep"].introspection.get_table_description(cursor, table)}


def guards(table: str) -> dict[str, object]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass",
            [table],
        )
        enabled, forced = cursor.fetchone()
        cursor.execute(
            "SELECT polroles::regrole[]::text, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) "
            "FROM pg_policy WHERE polrelid = %s::regclass AND polcmd = '*' AND polpermissive",
            [table],
        )
        policies = {roles.strip("{}"): (using, check) for roles, using, check in cursor.fetchall()}
    return {"enabled": enabled, "forced": forced, "policies": policies}


def test_every_model_table_is_either_isolated_or_listed_with_a_reason() -> None:
    unguarded = []
    for table in tables():
        found = guards(table)
        is_isolated = found["enabled"] and found["forced"]
        if table in GLOBAL_TABLES:
            assert not is_isolated, f"{table} is isolated: take it off the list"
            assert len(GLOBAL_TABLES[table]) > 20, f"{table} needs a reason"
        elif not (is_isolated and "tenant_id" in columns(table)):
            unguarded.append(table)
    assert unguarded == []


def test_every_table_in_the_database_is_known_to_some_model() -> None:
    known = {*tables(), MigrationRecorder.Migration._meta.db_table}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        )
        found = {row[0] for row in cursor.fetchall()}
    assert found - known == set()


def test_every_listed_global_table_exists() -> None:
    known = {*tables(), MigrationRecorder.Migration._meta.db_table}
    assert set(GLOBAL_TABLES) - known == set()


def test_every_isolated_table_has_a_policy_that_lets_the_app_see_the_tenant_of_its_transaction_alone() -> None:
    own_rows = "(tenant_id = (current_setting('app.tenant_id'::text))::uuid)"
    for table in (one for one in tables() if one not in GLOBAL_TABLES):
        policies = guards(table)["policies"]
        assert isinstance(policies, dict)
        assert policies.pop(APP_ROLE, None) == (own_rows, own_rows), table
        assert policies.pop(SWEEP_ROLE, None) == ("true", "true"), table
        assert set(policies) == {"tiergate_owner"}, f"{table} lets somebody else in: {policies}"


def test_every_foreign_key_between_isolated_tables_has_a_twin_that_names_the_tenant() -> None:
    isolated = {table for table in tables() if table not in GLOBAL_TABLES}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.conrelid::regclass::text, c.confrelid::regclass::text,
                   array_agg(a.attname::text ORDER BY a.attname)
            FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
            WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace GROUP BY c.oid, 1, 2
            """
        )
        keys = [(source, target, tuple(names)) for source, target, names in cursor.fetchall()]
    between = [key for key in keys if key[0] in isolated and key[1] in isolated]
    plain = {(source, target, names[0]) for source, target, names in between if "tenant_id" not in names}
    twins = {
        (source, target, name)
        for source, target, names in between
        if "tenant_id" in names
        for name in names
        if name != "tenant_id"
    }
    assert plain - twins == set()


def test_the_app_role_is_no_superuser_cannot_bypass_policies_own_tables_or_truncate() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        name, is_super, bypasses = cursor.fetchone()
        assert name == APP_ROLE
        assert not is_super
        assert not bypasses
        cursor.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p') "
            "AND c.relnamespace = 'public'::regnamespace AND (has_table_privilege(c.oid, 'TRUNCATE') "
            "OR pg_has_role(c.relowner, 'MEMBER'))"
        )
        assert cursor.fetchall() == []
