"""Append an entry of any tenant beside entries of others, in one transaction that serves none of them for longer."""

from django.db import migrations

from isolation.roles import APP_ROLE, SWEEP_ROLE, TENANT_SETTING

_COLUMNS = "id, tenant_id, kind, at, subject_type, subject_id, session_id, payload"
_SIGNATURE = "uuid, uuid, text, timestamptz, text, text, uuid, jsonb"

# Row-level security judges each row as the tenant's that it says it is. Whose transaction this is already is not
# changed, and nobody else's entry is appended in it.
_APPEND_BESIDE = f"""
CREATE FUNCTION audit_append_beside(tenant uuid, id uuid, kind text, at timestamptz, subject_type text,
                                    subject_id text, session uuid, payload jsonb) RETURNS void
LANGUAGE plpgsql AS $fn$
BEGIN
    IF pg_catalog.current_setting('{TENANT_SETTING}', true) <> '' THEN
        RAISE EXCEPTION 'this transaction already serves a tenant' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM pg_catalog.set_config('{TENANT_SETTING}', tenant::text, true);
    INSERT INTO public.audit_entry ({_COLUMNS})
    VALUES (audit_append_beside.id, audit_append_beside.tenant, audit_append_beside.kind, audit_append_beside.at,
            audit_append_beside.subject_type, audit_append_beside.subject_id, audit_append_beside.session,
            audit_append_beside.payload);
    PERFORM pg_catalog.set_config('{TENANT_SETTING}', '', true);
END
$fn$;
REVOKE ALL ON FUNCTION audit_append_beside({_SIGNATURE}) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_append_beside({_SIGNATURE}) TO {APP_ROLE}, {SWEEP_ROLE};
"""  # noqa: S608 - the names are constants


class Migration(migrations.Migration):
    """A function that the release before this one does not call."""

    dependencies = [("audit", "0005_cheaper_to_store")]
    operations = [migrations.RunSQL(_APPEND_BESIDE, f"DROP FUNCTION audit_append_beside({_SIGNATURE})")]
