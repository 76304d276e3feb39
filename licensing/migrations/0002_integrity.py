"""What the tables may hold, kept by the database whoever writes."""

from django.db import migrations
from django.db.migrations.operations.base import Operation

from isolation.migrations_ops import composite_fk

RunSQL = migrations.RunSQL

# The same strict reading as the kernel's Requirement.from_json.
IS_REQUIREMENT = """
CREATE FUNCTION licensing_is_requirement(r jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $fn$
    SELECT (
        jsonb_typeof(r) = 'object'
        AND r - ARRAY['level', 'max_age', 'phishing_resistant', 'device_bound', 'scope', 'approvals'] = '{}'::jsonb
        AND coalesce(r -> 'level', '"aal1"') IN ('"aal1"', '"aal2"', '"aal3"')
        AND coalesce(r -> 'scope', '"session"') IN ('"session"', '"action"', '"resource"', '"transaction"')
        AND coalesce(r -> 'phishing_resistant', 'false') IN ('true', 'false')
        AND coalesce(r -> 'device_bound', 'false') IN ('true', 'false')
        AND CASE coalesce(jsonb_typeof(r -> 'max_age'), 'null')
                WHEN 'null' THEN true
                WHEN 'number' THEN (r ->> 'max_age') ~ '^[0-9]{1,7}$' AND (r ->> 'max_age')::int BETWEEN 1 AND 2592000
                ELSE false
            END
        AND CASE coalesce(jsonb_typeof(r -> 'approvals'), 'null')
                WHEN 'null' THEN NOT r ? 'approvals'
                WHEN 'number' THEN (r ->> 'approvals') ~ '^[0-9]{1,2}$' AND (r ->> 'approvals')::int BETWEEN 0 AND 10
                ELSE false
            END
    ) IS TRUE
$fn$
"""

# The lattice's order: whoever meets `strong` always meets `weak`. NULL asks for nothing.
COVERS = """
CREATE FUNCTION licensing_requirement_covers(strong jsonb, weak jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $fn$
    SELECT weak IS NULL OR (
        strong IS NOT NULL
        AND coalesce(strong ->> 'level', 'aal1') COLLATE "C" >= coalesce(weak ->> 'level', 'aal1') COLLATE "C"
        AND (weak ->> 'max_age' IS NULL OR (strong ->> 'max_age')::int <= (weak ->> 'max_age')::int)
        AND (coalesce((strong ->> 'phishing_resistant')::boolean, false)
             OR NOT coalesce((weak ->> 'phishing_resistant')::boolean, false))
        AND (coalesce((strong ->> 'device_bound')::boolean, false)
             OR NOT coalesce((weak ->> 'device_bound')::boolean, false))
        AND array_position(ARRAY['session', 'action', 'resource', 'transaction'], coalesce(strong ->> 'scope', 'session'))
            >= array_position(ARRAY['session', 'action', 'resource', 'transaction'], coalesce(weak ->> 'scope', 'session'))
        AND coalesce((strong ->> 'approvals')::int, 0) >= coalesce((weak ->> 'approvals')::int, 0)
    ) IS TRUE
$fn$
"""

ARE_REQUIREMENTS = """
CREATE FUNCTION licensing_are_requirements(named jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $fn$
    SELECT CASE WHEN jsonb_typeof(named) = 'object'
        THEN NOT EXISTS (SELECT FROM jsonb_each(named) AS one WHERE NOT licensing_is_requirement(one.value))
        ELSE false END
$fn$
"""

# Only the columns of its own kind are filled, and "unlimited" is said, never left out.
TERM_SHAPE = """
    CASE feature_kind
        WHEN 'switch' THEN jsonb_typeof(value) = 'boolean' AND "limit" IS NULL AND NOT unlimited AND reset_period = ''
        WHEN 'config' THEN coalesce(value, 'null') <> 'null' AND "limit" IS NULL AND NOT unlimited AND reset_period = ''
        WHEN 'limit' THEN value IS NULL AND (("limit" IS NOT NULL AND "limit" >= 0) <> unlimited)
            AND NOT (unlimited AND "limit" IS NOT NULL)
        ELSE false
    END
"""
RESET_PERIODS = "reset_period IN ('', 'day', 'month', 'year', 'billing_period')"
NO_VALUE = """value IS NULL AND "limit" IS NULL AND NOT unlimited AND reset_period = ''"""

KEY = "'^[a-z0-9][a-z0-9_.:-]{0,99}$'"


def check(table: str, name: str, condition: str) -> Operation:
    """Add a CHECK in which NULL does not pass."""
    return RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_{name} CHECK (({condition}) IS TRUE)",
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_{name}",
    )


def same_kind(table: str, column: str, kind: str) -> Operation:
    """Let a column refer to plan versions of one kind alone."""
    return RunSQL(
        f"ALTER TABLE {table} ADD COLUMN version_kind text GENERATED ALWAYS AS ('{kind}') STORED; "
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_version_kind FOREIGN KEY ({column}, version_kind) "
        "REFERENCES licensing_plan_version (id, kind)",
        f"ALTER TABLE {table} DROP COLUMN version_kind",
    )


def refers(table: str, columns: str, to: str) -> Operation:
    """Add a foreign key over two columns."""
    name = f"{table}_{columns.rsplit(', ', maxsplit=1)[-1]}_matches"
    return RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({columns}) REFERENCES {to} DEFERRABLE INITIALLY IMMEDIATE",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


NO_OVERLAP = """
ALTER TABLE licensing_subscription ADD CONSTRAINT licensing_subscription_no_overlap
    EXCLUDE USING gist (tenant_id WITH =, tstzrange(active_from, active_to, '[)') WITH &&)
"""


class Migration(migrations.Migration):
    """Shapes, references, and ranges that do not overlap."""

    # Part of the first release's schema: it guards tables that are still empty.
    initial = True
    dependencies = [("licensing", "0001_tables")]
    operations = [
        RunSQL("CREATE EXTENSION IF NOT EXISTS btree_gist", RunSQL.noop),
        RunSQL(IS_REQUIREMENT, "DROP FUNCTION licensing_is_requirement(jsonb)"),
        RunSQL(COVERS, "DROP FUNCTION licensing_requirement_covers(jsonb, jsonb)"),
        RunSQL(ARE_REQUIREMENTS, "DROP FUNCTION licensing_are_requirements(jsonb)"),
        *(
            check(
                table,
                "requirement",
                "requirement IS NULL OR licensing_is_requirement(requirement)",
            )
            for table in (
                "licensing_feature",
                "licensing_action",
                "licensing_role_default",
                "licensing_plan_term",
                "licensing_role",
                "licensing_override",
                "licensing_requirement_floor",
            )
        ),
        *(
            check(table, "key_shape", f"key ~ {KEY}")
            for table in (
                "licensing_feature",
                "licensing_role_default",
                "licensing_plan",
                "licensing_role",
            )
        ),
        check("licensing_action", "name_shape", f"name ~ {KEY}"),
        check(
            "licensing_action",
            "callers",
            "callers <@ ARRAY['person', 'service'] AND cardinality(callers) > 0",
        ),
        check(
            "licensing_action",
            "environments",
            "licensing_are_requirements(environments)",
        ),
        check("licensing_plan_term", "shape", TERM_SHAPE),
        check("licensing_plan_term", "reset_period", RESET_PERIODS),
        check(
            "licensing_override",
            "shape",
            f"CASE effect WHEN 'value' THEN ({TERM_SHAPE}) ELSE {NO_VALUE} END AND {RESET_PERIODS}",
        ),
        refers(
            "licensing_plan_term",
            "feature_id, feature_kind",
            "licensing_feature (id, kind)",
        ),
        refers(
            "licensing_override",
            "feature_id, feature_kind",
            "licensing_feature (id, kind)",
        ),
        refers("licensing_plan_version", "plan_id, kind", "licensing_plan (id, kind)"),
        refers("licensing_plan", "id, current_id", "licensing_plan_version (plan_id, id)"),
        same_kind("licensing_subscription", "plan_version_id", "plan"),
        same_kind("licensing_subscription_add_on", "plan_version_id", "add_on"),
        *composite_fk(
            "licensing_subscription_add_on",
            "subscription_id",
            "licensing_subscription",
            "CASCADE",
        ),
        RunSQL(
            NO_OVERLAP,
            "ALTER TABLE licensing_subscription DROP CONSTRAINT licensing_subscription_no_overlap",
        ),
    ]
