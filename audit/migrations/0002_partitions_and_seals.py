"""The trail by months, and the tables of the tree that seals it."""

from django.db import migrations, models

from isolation.migrations_ops import append_only
from isolation.roles import APP_ROLE, OWNER_ROLE, SWEEP_ROLE, TENANT_SETTING

RunSQL = migrations.RunSQL

# Whoever wrote, whoever migrates: nothing is added between the copy and the new table's taking its place. A writer
# that waits for the lock finds the new table when it has it, since names are looked up again after a wait.
# The parts lie in a schema that no serving role may enter: they are reached through their parent alone.
PARTITIONED = f"""
LOCK TABLE audit_entry IN ACCESS EXCLUSIVE MODE;
CREATE SCHEMA audit_parts;
REVOKE ALL ON SCHEMA audit_parts FROM PUBLIC;
ALTER TABLE audit_entry RENAME TO audit_entry_whole;
ALTER TABLE audit_entry_whole DROP CONSTRAINT audit_entry_pkey, DROP CONSTRAINT audit_entry_tenant_key,
    DROP CONSTRAINT audit_entry_order, DROP CONSTRAINT audit_entry_kind_said;
DROP INDEX audit_entry_by_subject;

CREATE SEQUENCE audit_entry_order_seq AS bigint;
REVOKE ALL ON SEQUENCE audit_entry_order_seq FROM PUBLIC, {APP_ROLE}, {SWEEP_ROLE};
GRANT USAGE ON SEQUENCE audit_entry_order_seq TO {APP_ROLE}, {SWEEP_ROLE};

CREATE TABLE audit_entry (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    seq bigint NOT NULL DEFAULT nextval('public.audit_entry_order_seq'),
    kind text NOT NULL,
    at timestamptz NOT NULL,
    subject_type text NOT NULL,
    subject_id text NOT NULL,
    session_id uuid,
    payload jsonb NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT audit_entry_pkey PRIMARY KEY (id, at),
    CONSTRAINT audit_entry_order UNIQUE (tenant_id, seq, at),
    CONSTRAINT audit_entry_kind_said CHECK (kind <> ''),
    -- What a calendar of four digits can write: an entry is sealed as text.
    CONSTRAINT audit_entry_at_told CHECK (at >= '0001-01-02Z' AND at < '9999-12-31Z')
) PARTITION BY RANGE (at);
ALTER SEQUENCE audit_entry_order_seq OWNED BY audit_entry.seq;
CREATE INDEX audit_entry_by_subject ON audit_entry (tenant_id, subject_type, subject_id, seq);
CREATE INDEX audit_entry_sealing ON audit_entry (xid, seq);
"""

# Neither seq nor xid can be chosen by whoever appends.
_APPENDED = "id, tenant_id, kind, at, subject_type, subject_id, session_id, payload"
GUARDED = f"""
REVOKE ALL ON audit_entry FROM PUBLIC, {APP_ROLE}, {SWEEP_ROLE};
GRANT SELECT, INSERT ({_APPENDED}) ON audit_entry TO {APP_ROLE}, {SWEEP_ROLE};
ALTER TABLE audit_entry ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON audit_entry FOR ALL TO {APP_ROLE}
    USING (tenant_id = current_setting('{TENANT_SETTING}')::uuid)
    WITH CHECK (tenant_id = current_setting('{TENANT_SETTING}')::uuid);
CREATE POLICY sweep_rows ON audit_entry FOR ALL TO {SWEEP_ROLE} USING (true) WITH CHECK (true);
CREATE POLICY owner_rows ON audit_entry FOR ALL TO {OWNER_ROLE} USING (true) WITH CHECK (true);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION isolation_refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION isolation_refuse_change();
"""

# Parent's policies and statement triggers do not hold where a part is named directly, so that each has its own.
GUARD_PART = f"""
CREATE FUNCTION audit_guard_part(part text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $fn$
BEGIN
    EXECUTE format('REVOKE ALL ON audit_parts.%I FROM PUBLIC, {APP_ROLE}, {SWEEP_ROLE}', part);
    EXECUTE format('ALTER TABLE audit_parts.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', part);
    EXECUTE format('CREATE POLICY owner_rows ON audit_parts.%I FOR ALL TO {OWNER_ROLE} USING (true) WITH CHECK (true)',
                   part);
    EXECUTE format('CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON audit_parts.%I '
                   'FOR EACH STATEMENT EXECUTE FUNCTION public.isolation_refuse_change()', part);
END
$fn$;
REVOKE ALL ON FUNCTION audit_guard_part(text) FROM PUBLIC;
CREATE TABLE audit_parts.entry_other PARTITION OF audit_entry DEFAULT;
SELECT audit_guard_part('entry_other');
"""

# Runs as the owner for the sweep's role, so it takes a month and nothing else, and only moves rows that lie in the
# catch-all into the month's own table: every column of them as it was. To attach locks the catch-all alone, so that
# entries of other months go on being written; a lock that does not come within two seconds is an error, and the
# task asks again.
MAKE_PART = f"""
CREATE FUNCTION audit_make_part(month date) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '2s' SET timezone = 'UTC' AS $fn$
DECLARE
    first timestamptz := date_trunc('month', month::timestamp) AT TIME ZONE 'UTC';
    beyond timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
    part text := 'entry_' || to_char(month, 'YYYY_MM');
    moved bigint;
BEGIN
    IF month IS NULL OR month < '2000-01-01' OR month > current_date + 400 THEN
        RAISE EXCEPTION 'no part is made for %', month USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('audit_make_part', 0));
    IF to_regclass('audit_parts.' || part) IS NOT NULL THEN
        RETURN 'there';
    END IF;
    EXECUTE format('CREATE TABLE audit_parts.%I (LIKE public.audit_entry INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
                   part);
    LOCK TABLE audit_parts.entry_other IN ACCESS EXCLUSIVE MODE;
    ALTER TABLE audit_parts.entry_other DISABLE TRIGGER append_only;
    EXECUTE format('WITH gone AS (DELETE FROM audit_parts.entry_other WHERE at >= $1 AND at < $2 RETURNING *) '
                   'INSERT INTO audit_parts.%I SELECT * FROM gone', part) USING first, beyond;
    GET DIAGNOSTICS moved = ROW_COUNT;
    ALTER TABLE audit_parts.entry_other ENABLE TRIGGER append_only;
    EXECUTE format('ALTER TABLE audit_parts.%I ADD CONSTRAINT month_only CHECK (at >= %L AND at < %L)',
                   part, first, beyond);
    EXECUTE format('ALTER TABLE public.audit_entry ATTACH PARTITION audit_parts.%I FOR VALUES FROM (%L) TO (%L)',
                   part, first, beyond);
    EXECUTE format('ALTER TABLE audit_parts.%I DROP CONSTRAINT month_only', part);
    PERFORM public.audit_guard_part(part);
    RETURN CASE WHEN moved = 0 THEN 'made' ELSE 'made, ' || moved || ' moved' END;
END
$fn$;
REVOKE ALL ON FUNCTION audit_make_part(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_make_part(date) TO {SWEEP_ROLE};
"""  # noqa: S608 - the names are constants

# Months that lie in the catch-all, since nobody had made a part for them in time.
STRAYS = f"""
CREATE FUNCTION audit_stray_months() RETURNS SETOF date LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $fn$
    SELECT DISTINCT date_trunc('month', at AT TIME ZONE 'UTC')::date FROM audit_parts.entry_other
    WHERE at >= '2000-01-01Z' AND at < current_date + 360
$fn$;
REVOKE ALL ON FUNCTION audit_stray_months() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_stray_months() TO {SWEEP_ROLE};
"""  # noqa: S608 - the names are constants

# In the order in which they stood, each with the number that it had.
CARRIED = """
SELECT audit_make_part(month) FROM (
    SELECT DISTINCT date_trunc('month', at AT TIME ZONE 'UTC')::date AS month FROM audit_entry_whole
    WHERE at >= '2000-01-01Z' AND at < current_date + 360
    UNION SELECT (date_trunc('month', current_date) + make_interval(months => n))::date FROM generate_series(0, 3) AS n
) AS months ORDER BY month;
INSERT INTO audit_entry (id, tenant_id, seq, kind, at, subject_type, subject_id, session_id, payload)
    SELECT id, tenant_id, seq, kind, at, subject_type, subject_id, session_id, payload
    FROM audit_entry_whole ORDER BY seq;
SELECT setval('audit_entry_order_seq', coalesce(max(seq), 1), max(seq) IS NOT NULL) FROM audit_entry_whole;
DROP TABLE audit_entry_whole;
"""

# A durable record in one round trip. It says by itself whose transaction this is, so it must not be one that
# already serves somebody else.
APPEND = f"""
CREATE FUNCTION audit_append(tenant uuid, id uuid, kind text, at timestamptz, subject_type text, subject_id text,
                             session uuid, payload jsonb) RETURNS void LANGUAGE plpgsql AS $fn$
DECLARE
    served text := pg_catalog.current_setting('{TENANT_SETTING}', true);
BEGIN
    IF served <> '' AND served::uuid <> tenant THEN
        RAISE EXCEPTION 'this transaction already serves another tenant' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM pg_catalog.set_config('{TENANT_SETTING}', tenant::text, true);
    INSERT INTO public.audit_entry ({_APPENDED})
    VALUES (audit_append.id, audit_append.tenant, audit_append.kind, audit_append.at, audit_append.subject_type,
            audit_append.subject_id, audit_append.session, audit_append.payload);
END
$fn$;
REVOKE ALL ON FUNCTION audit_append(uuid, uuid, text, timestamptz, text, text, uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_append(uuid, uuid, text, timestamptz, text, text, uuid, jsonb)
    TO {APP_ROLE}, {SWEEP_ROLE};
"""  # noqa: S608 - the names are constants

# A database that was restored counts its transactions anew, from lower than the entries say. Then the sealer asks,
# with writers held back for a moment, up to which number the entries are from before.
BOUNDARY = f"""
CREATE FUNCTION audit_boundary() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '5s' AS $fn$
DECLARE
    last bigint;
BEGIN
    LOCK TABLE public.audit_entry IN SHARE ROW EXCLUSIVE MODE;
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO last FROM public.audit_entry_order_seq;
    RETURN last;
END
$fn$;
REVOKE ALL ON FUNCTION audit_boundary() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_boundary() TO {SWEEP_ROLE};
"""  # noqa: S608 - the names are constants

SEALS = f"""
REVOKE ALL ON audit_leaf, audit_node, audit_checkpoint FROM PUBLIC, {APP_ROLE}, {SWEEP_ROLE};
GRANT SELECT ON audit_leaf, audit_checkpoint TO {APP_ROLE};
GRANT SELECT, INSERT ON audit_leaf, audit_node, audit_checkpoint TO {SWEEP_ROLE};
ALTER TABLE audit_leaf ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON audit_leaf FOR ALL TO {APP_ROLE}
    USING (tenant_id = current_setting('{TENANT_SETTING}')::uuid)
    WITH CHECK (tenant_id = current_setting('{TENANT_SETTING}')::uuid);
CREATE POLICY sweep_rows ON audit_leaf FOR ALL TO {SWEEP_ROLE} USING (true) WITH CHECK (true);
CREATE POLICY owner_rows ON audit_leaf FOR ALL TO {OWNER_ROLE} USING (true) WITH CHECK (true);
"""


class Migration(migrations.Migration):
    """One way: code from before works on these tables as it did, so that nothing has to go back."""

    dependencies = [("audit", "0001_entry")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                RunSQL(PARTITIONED),
                RunSQL(GUARDED),
                RunSQL(GUARD_PART),
                RunSQL(MAKE_PART),
                RunSQL(STRAYS),
                RunSQL(CARRIED),
                RunSQL(APPEND),
                RunSQL(BOUNDARY),
            ],
            state_operations=[
                migrations.RemoveConstraint("entry", "audit_entry_tenant_key"),
                migrations.RemoveConstraint("entry", "audit_entry_order"),
                migrations.AddConstraint(
                    "entry",
                    models.UniqueConstraint(fields=("tenant_id", "seq", "at"), name="audit_entry_order"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Leaf",
            fields=[
                ("position", models.BigIntegerField(editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField(editable=False)),
                ("ordinal", models.BigIntegerField(editable=False)),
                ("previous_seq", models.BigIntegerField(editable=False)),
                ("entry_id", models.UUIDField(editable=False)),
                ("seq", models.BigIntegerField(editable=False)),
                ("kind", models.TextField(editable=False)),
                ("at", models.DateTimeField(editable=False)),
                ("hash", models.BinaryField(editable=False)),
            ],
            options={
                "verbose_name_plural": "leaves",
                "constraints": [
                    models.UniqueConstraint(fields=("seq",), name="audit_leaf_once"),
                    models.UniqueConstraint(fields=("tenant_id", "ordinal"), name="audit_leaf_one_behind_another"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Node",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey("level", "position", editable=False, primary_key=True, serialize=False),
                ),
                ("level", models.SmallIntegerField(editable=False)),
                ("position", models.BigIntegerField(editable=False)),
                ("hash", models.BinaryField(editable=False)),
            ],
        ),
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("number", models.BigIntegerField(editable=False, primary_key=True, serialize=False)),
                ("size", models.BigIntegerField(editable=False)),
                ("at", models.DateTimeField(editable=False)),
                ("body", models.TextField(editable=False)),
                ("key_id", models.TextField(editable=False)),
                ("signature", models.BinaryField(editable=False)),
                ("peaks", models.BinaryField(editable=False)),
            ],
            options={"indexes": [models.Index(fields=["size"], name="audit_checkpoint_by_size")]},
        ),
        *append_only("audit_leaf"),
        *append_only("audit_node"),
        *append_only("audit_checkpoint"),
        RunSQL(SEALS),
    ]
