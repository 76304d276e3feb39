"""Make what is stored by the thousand a second cheaper for the database: to insert, and to compress."""

from django.db import migrations

_COLUMNS = "id, tenant_id, kind, at, subject_type, subject_id, session_id, payload"

# Unnested in the list of columns, since a function in FROM is written to memory, or to a file, before it is read.
_ROWS = f"""
        INSERT INTO public.audit_entry ({_COLUMNS})
        SELECT one.id, one.tenant, one.kind, one.at, one.subject_type, one.subject_id, one.session, one.payload::jsonb
        FROM (SELECT unnest(tenants) AS tenant, unnest(ids) AS id, unnest(kinds) AS kind, unnest(ats) AS at,
                     unnest(subject_types) AS subject_type, unnest(subject_ids) AS subject_id,
                     unnest(sessions) AS session, unnest(payloads) AS payload) AS one
"""  # noqa: S608 - the names are constants

# What arrives is nearly always new, and to insert what may be there costs half as much again: so it is looked at only
# once something was. Both ways run in one transaction, whose number every row bears.
_APPEND_BATCH = f"""
CREATE OR REPLACE FUNCTION audit_append_batch(tenants uuid[], ids uuid[], kinds text[], ats timestamptz[],
    subject_types text[], subject_ids text[], sessions uuid[], payloads text[])
RETURNS bigint LANGUAGE plpgsql AS $fn$
DECLARE
    appended bigint;
BEGIN
    BEGIN
        {_ROWS};
        GET DIAGNOSTICS appended = ROW_COUNT;
    EXCEPTION WHEN unique_violation THEN
        {_ROWS}
        ON CONFLICT (id, at) DO NOTHING;
        GET DIAGNOSTICS appended = ROW_COUNT;
    END;
    RETURN appended;
END
$fn$;
"""

_AS_BEFORE = f"""
CREATE OR REPLACE FUNCTION audit_append_batch(tenants uuid[], ids uuid[], kinds text[], ats timestamptz[],
    subject_types text[], subject_ids text[], sessions uuid[], payloads text[])
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
"""  # noqa: S608 - the names are constants


class Migration(migrations.Migration):
    """One function does what it did."""

    dependencies = [("audit", "0004_append_batch")]
    operations = [migrations.RunSQL(_APPEND_BATCH, _AS_BEFORE)]
