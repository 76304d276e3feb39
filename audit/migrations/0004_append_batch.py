"""Append many entries in one statement, each once however often it comes."""

from django.db import migrations

from isolation.roles import APP_ROLE, SWEEP_ROLE

_COLUMNS = "id, tenant_id, kind, at, subject_type, subject_id, session_id, payload"

# As text, since an array of jsonb would be parsed twice. Row-level security judges every row as ever.
_APPEND_BATCH = f"""
CREATE FUNCTION audit_append_batch(tenants uuid[], ids uuid[], kinds text[], ats timestamptz[], subject_types text[],
                                   subject_ids text[], sessions uuid[], payloads text[])
RETURNS bigint LANGUAGE plpgsql AS $fn$
DECLARE
    appended bigint;
BEGIN
    INSERT INTO public.audit_entry ({_COLUMNS})
    SELECT one.id, one.tenant, one.kind, one.at, one.subject_type, one.subject_id, one.session, one.payload::jsonb
    FROM unnest(tenants, ids, kinds, ats, subject_types, subject_ids, sessions, payloads)
        AS one(tenant, id, kind, at, subject_type, subject_id, session, payload)
    ON CONFLICT (id, at) DO NOTHING;
    GET DIAGNOSTICS appended = ROW_COUNT;
    RETURN appended;
END
$fn$;
REVOKE ALL ON FUNCTION audit_append_batch(uuid[], uuid[], text[], timestamptz[], text[], text[], uuid[], text[])
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_append_batch(uuid[], uuid[], text[], timestamptz[], text[], text[], uuid[], text[])
    TO {APP_ROLE}, {SWEEP_ROLE};
"""  # noqa: S608 - the names are constants


class Migration(migrations.Migration):
    """A function that the release before this one does not call."""

    dependencies = [("audit", "0003_person")]
    operations = [
        migrations.RunSQL(
            _APPEND_BATCH,
            "DROP FUNCTION audit_append_batch(uuid[], uuid[], text[], timestamptz[], text[], text[], uuid[], text[])",
        )
    ]
