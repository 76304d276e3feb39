"""The catalogue of the database is walked: whatever lets one tenant see, meet or count another's rows is found."""

from collections.abc import Mapping

import psycopg
import pytest

from isolation.api import GLOBAL_TABLES
from tests.isolation import exceptions
from tests.isolation.schema import INSPECTIONS, complaints, relations

pytestmark = pytest.mark.django_db

# What somebody might do one day, and a word of the sentence by which it is found.
PLANTED = {
    "ALTER TABLE licensing_member NO FORCE ROW LEVEL SECURITY": "not under forced",
    "ALTER TABLE licensing_member DISABLE ROW LEVEL SECURITY": "not under forced",
    "DROP POLICY tenant_rows ON audit_entry": "has 0 policies",
    "ALTER POLICY tenant_rows ON licensing_role USING (true)": "lets",
    "ALTER POLICY tenant_rows ON licensing_role WITH CHECK (true)": "write true",
    "ALTER POLICY tenant_rows ON licensing_role USING (tenant_id = current_setting('app.tenant_id', true)::uuid)": "lets",
    "ALTER POLICY tenant_rows ON licensing_role TO PUBLIC": "PUBLIC",
    "CREATE POLICY more ON authlevels_session FOR SELECT TO tiergate_app USING (true)": "the policy more",
    "CREATE POLICY more ON authlevels_session TO PUBLIC USING (true)": "the policy more",
    "ALTER TABLE licensing_role ALTER tenant_id DROP NOT NULL": "NOT NULL",
    "CREATE TABLE planted (id uuid PRIMARY KEY, tenant_id uuid NOT NULL)": "planted is not under forced",
    "CREATE TABLE planted (id uuid PRIMARY KEY)": "planted has no tenant_id",
    "ALTER TABLE licensing_plan ADD tenant_id uuid": "listed as global",
    "ALTER TABLE licensing_member OWNER TO tiergate_app": "belongs to tiergate_app",
    """
    CREATE TABLE planted (id uuid, tenant_id uuid NOT NULL, at date, PRIMARY KEY (tenant_id, id, at)) PARTITION BY RANGE (at);
    ALTER TABLE planted OWNER TO tiergate_owner;
    ALTER TABLE planted ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    CREATE POLICY tenant_rows ON planted TO tiergate_app
        USING (tenant_id = current_setting('app.tenant_id')::uuid)
        WITH CHECK (tenant_id = current_setting('app.tenant_id')::uuid);
    CREATE TABLE planted_rest PARTITION OF planted DEFAULT;
    GRANT SELECT ON planted, planted_rest TO tiergate_app
    """: "planted_rest is not under forced",
    """
    ALTER TABLE authlevels_elevation DROP CONSTRAINT authlevels_elevation_session_id_same_tenant;
    ALTER TABLE authlevels_elevation ADD FOREIGN KEY (session_id) REFERENCES authlevels_session (id)
    """: "may refer to another tenant's row of authlevels_session",
    "ALTER TABLE authlevels_elevation DROP CONSTRAINT authlevels_elevation_session_id_same_tenant": "session_id refers",
    "ALTER TABLE licensing_subscription_add_on DROP CONSTRAINT licensing_subscription_add_on_subscription_id_same_tenant": (
        "another tenant's row of licensing_subscription"
    ),
    "ALTER TABLE licensing_member ADD seat uuid": "licensing_member.seat refers",
    "CREATE UNIQUE INDEX planted ON licensing_member (subject_type, subject_id)": "tells one tenant of another's row",
    "CREATE UNIQUE INDEX planted ON licensing_member (lower(display_name))": "tells one tenant of another's row",
    "CREATE UNIQUE INDEX planted ON licensing_member (subject_id) INCLUDE (tenant_id)": "tells one tenant of another's row",
    "ALTER TABLE licensing_override ADD EXCLUDE USING gist (feature_id WITH =)": "tells one tenant of another's row",
    "CREATE VIEW planted AS SELECT * FROM licensing_member": "the view planted",
    "CREATE MATERIALIZED VIEW planted AS SELECT * FROM licensing_member": "no policy guards",
    "CREATE FUNCTION planted() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'": "planted runs as its owner",
    "ALTER FUNCTION licensing_bump_tenants() SET search_path = public": "on the path",
    "ALTER FUNCTION licensing_bump_tenants() RESET ALL": "on the path",
    "GRANT EXECUTE ON FUNCTION licensing_bump_one(uuid) TO tiergate_app": "the app may call it",
    "CREATE FUNCTION planted(int) RETURNS bool LANGUAGE sql LEAKPROOF AS 'SELECT true'": "leakproof",
    "ALTER FUNCTION licensing_bump_one(uuid) OWNER TO tiergate_app": "belongs to tiergate_app",
    """
    CREATE FUNCTION planted() RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN PERFORM set_config('app.tenant_id', '', false); END $$
    """: "names a tenant by itself",
    """
    CREATE FUNCTION planted() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('all', 'x'); END $$
    """: "notifies",
    "GRANT SELECT ON SEQUENCE licensing_generation_seq TO tiergate_app": "read the sequence",
    "GRANT USAGE ON SEQUENCE licensing_generation_seq TO tiergate_app": "draw from the sequence",
    "ALTER ROLE tiergate_app BYPASSRLS": "bypasses",
    "GRANT tiergate_sweep TO tiergate_app": "may become another role",
    "GRANT CREATE ON SCHEMA public TO tiergate_app": "may make things",
    "DO $$ BEGIN EXECUTE format('GRANT TEMP ON DATABASE %I TO tiergate_app', current_database()); END $$": "temporary",
    "GRANT TRIGGER ON licensing_member TO tiergate_app": "hang a trigger",
    "GRANT TRUNCATE ON licensing_member TO tiergate_app": "may empty a table",
    "GRANT SELECT ON licensing_member TO PUBLIC": "everybody may use",
    "ALTER ROLE tiergate_app SET app.tenant_id = '00000000-0000-0000-0000-000000000000'": "names a tenant for",
    "CREATE RULE planted AS ON DELETE TO licensing_member DO INSTEAD NOTHING": "rewrites queries",
    "CREATE PUBLICATION planted FOR TABLE licensing_member": "published",
    "SELECT lo_create(0)": "large object",
}


@pytest.mark.parametrize("inspection", INSPECTIONS)
def test_nothing_lets_one_tenant_see_meet_or_count_anothers_rows(
    superuser: psycopg.Connection, inspection: str
) -> None:
    assert list(INSPECTIONS[inspection](superuser)) == []


@pytest.mark.parametrize("planted", PLANTED)
def test_whatever_would_is_found(superuser: psycopg.Connection, planted: str) -> None:
    before = complaints(superuser)
    with superuser.transaction(force_rollback=True):
        superuser.execute(planted.encode())
        found = [one for one in complaints(superuser) if one not in before]
    assert any(PLANTED[planted] in one for one in found), found


def test_every_exception_is_of_something_that_exists_and_has_a_reason(superuser: psycopg.Connection) -> None:
    reasons: list[Mapping[str, str]] = [
        value for name, value in vars(exceptions).items() if name.isupper() and isinstance(value, Mapping)
    ]
    assert len(reasons) >= 6
    for why in (why for listed in [*reasons, GLOBAL_TABLES] for why in listed.values()):
        assert len(why) > 20
    functions = {row[0] for row in superuser.execute("SELECT proname FROM pg_proc").fetchall()}
    sequences = {row[0] for row in superuser.execute("SELECT relname FROM pg_class WHERE relkind = 'S'").fetchall()}
    tables = {one["name"] for one in relations(superuser)}
    assert {*exceptions.DEFINER_FUNCTIONS, *exceptions.NAMING_FUNCTIONS} <= functions
    assert set(exceptions.SEQUENCES) <= sequences
    named = {*exceptions.HIGH_ENTROPY, *exceptions.SOFT_REFERENCES, *exceptions.GLOBAL_WITH_TENANT}
    assert {one.replace(".", " ").split()[0] for one in named} <= tables


def test_the_catalogue_is_really_read(superuser: psycopg.Connection) -> None:
    assert {"licensing_member", "audit_entry", "authlevels_session"} <= {one["name"] for one in relations(superuser)}
