"""The roles must be there before any table is guarded, and one function refuses changes for all."""

from django.db import migrations

from isolation.roles import APP_ROLE, OWNER_ROLE, SWEEP_ROLE

_ROLES = f"""
DO $do$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['{OWNER_ROLE}', '{APP_ROLE}', '{SWEEP_ROLE}'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            RAISE EXCEPTION 'role % is missing', wanted
                USING HINT = 'Create it first: CREATE ROLE ' || wanted || ' LOGIN NOSUPERUSER NOBYPASSRLS;';
        END IF;
    END LOOP;
    IF EXISTS (
        SELECT FROM pg_roles WHERE rolname IN ('{APP_ROLE}', '{SWEEP_ROLE}') AND (rolsuper OR rolbypassrls)
    ) THEN
        RAISE EXCEPTION 'the roles {APP_ROLE} and {SWEEP_ROLE} must be NOSUPERUSER and NOBYPASSRLS';
    END IF;
END
$do$
"""  # noqa: S608 - the names are constants

_REFUSE = """
CREATE FUNCTION isolation_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $fn$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'integrity_constraint_violation';
END
$fn$
"""


class Migration(migrations.Migration):
    """What guards every room's tables."""

    initial = True
    dependencies = []
    operations = [
        migrations.RunSQL(_ROLES, migrations.RunSQL.noop),
        migrations.RunSQL(
            f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}, {SWEEP_ROLE}",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(_REFUSE, "DROP FUNCTION isolation_refuse_change()"),
    ]
