"""What stays as it was published, what only rises, and the counters that tell of every change."""

from django.db import migrations
from django.db.migrations.operations.base import Operation

RunSQL = migrations.RunSQL

VERSION_KEPT = """
CREATE FUNCTION licensing_keep_version() RETURNS trigger LANGUAGE plpgsql AS $fn$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'draft' THEN
            RAISE EXCEPTION 'a plan version begins as a draft' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.status = 'draft' THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'DELETE' OR NEW.status = 'draft'
       OR to_jsonb(NEW) - 'status' IS DISTINCT FROM to_jsonb(OLD) - 'status' THEN
        RAISE EXCEPTION 'a published plan version is immutable' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$fn$
"""

# FOR SHARE waits for a publish under way, so that no term slips in behind it.
TERM_KEPT = """
CREATE FUNCTION licensing_keep_term() RETURNS trigger LANGUAGE plpgsql AS $fn$
DECLARE
    state text;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        SELECT status INTO state FROM licensing_plan_version WHERE id = OLD.version_id FOR SHARE;
        IF state <> 'draft' THEN
            RAISE EXCEPTION 'a published plan version is immutable' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        SELECT status INTO state FROM licensing_plan_version WHERE id = NEW.version_id FOR SHARE;
        IF state <> 'draft' THEN
            RAISE EXCEPTION 'a published plan version is immutable' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    RETURN OLD;
END
$fn$
"""

FLOOR_RISES = """
CREATE FUNCTION licensing_only_rise() RETURNS trigger LANGUAGE plpgsql AS $fn$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.tenant_id <> OLD.tenant_id OR NEW.feature_id <> OLD.feature_id
       OR NOT licensing_requirement_covers(NEW.requirement, OLD.requirement) THEN
        RAISE EXCEPTION 'a requirement floor only rises' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$fn$
"""

# What an override asks on top of a regulated feature's terms is not taken back by writing a weaker one over it,
# nor by deleting it, unless the floor keeps it.
OVERRIDE_RATCHETS = """
CREATE FUNCTION licensing_override_ratchets() RETURNS trigger LANGUAGE plpgsql AS $fn$
DECLARE
    kept jsonb;
BEGIN
    IF OLD.requirement IS NULL OR OLD.expires_at <= clock_timestamp()
       OR NOT EXISTS (SELECT FROM licensing_feature WHERE id = OLD.feature_id AND sensitivity = 'regulated') THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    SELECT requirement INTO kept FROM licensing_requirement_floor
        WHERE tenant_id = OLD.tenant_id AND feature_id = OLD.feature_id;
    IF licensing_requirement_covers(kept, OLD.requirement) THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'DELETE' OR NEW.tenant_id <> OLD.tenant_id OR NEW.feature_id <> OLD.feature_id
       OR NOT licensing_requirement_covers(NEW.requirement, OLD.requirement)
       OR coalesce(NEW.expires_at, 'infinity') < coalesce(OLD.expires_at, 'infinity') THEN
        RAISE EXCEPTION 'a regulated requirement only rises' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$fn$
"""

# As the owner: the roles that serve requests may read the counters and never set them.
# From a sequence: a number that was rolled back, or stood in rows that are gone, never comes again with other content.
BUMP = """
CREATE SEQUENCE licensing_generation_seq;

CREATE FUNCTION licensing_bump_one(changed uuid) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT
AS $fn$
    INSERT INTO licensing_generation (scope, number) VALUES (changed, nextval('licensing_generation_seq'))
    ON CONFLICT (scope) DO UPDATE SET number = nextval('licensing_generation_seq')
$fn$;
REVOKE ALL ON FUNCTION licensing_bump_one(uuid) FROM PUBLIC;

CREATE FUNCTION licensing_bump_catalogue() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $fn$
BEGIN
    PERFORM licensing_bump_one('ffffffff-ffff-ffff-ffff-ffffffffffff');
    RETURN NULL;
END
$fn$;

CREATE FUNCTION licensing_bump_tenants() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $fn$
DECLARE
    changed uuid;
BEGIN
    IF TG_OP = 'INSERT' THEN
        FOR changed IN EXECUTE format('SELECT DISTINCT %I FROM new_rows ORDER BY 1', TG_ARGV[0]) LOOP
            PERFORM licensing_bump_one(changed);
        END LOOP;
    ELSIF TG_OP = 'DELETE' THEN
        FOR changed IN EXECUTE format('SELECT DISTINCT %I FROM old_rows ORDER BY 1', TG_ARGV[0]) LOOP
            PERFORM licensing_bump_one(changed);
        END LOOP;
    ELSE
        FOR changed IN EXECUTE format(
            'SELECT %1$I FROM old_rows UNION SELECT %1$I FROM new_rows ORDER BY 1', TG_ARGV[0]
        ) LOOP
            PERFORM licensing_bump_one(changed);
        END LOOP;
    END IF;
    RETURN NULL;
END
$fn$
"""
UNBUMP = """
DROP FUNCTION licensing_bump_tenants(); DROP FUNCTION licensing_bump_catalogue();
DROP FUNCTION licensing_bump_one(uuid);
DROP SEQUENCE licensing_generation_seq
"""

ROWS = {
    "INSERT": "NEW TABLE AS new_rows",
    "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "OLD TABLE AS old_rows",
}

VENDOR = """
INSERT INTO licensing_tenant (id, slug, name, status, settings, created_at)
VALUES ('00000000-0000-0000-0000-000000000000', 'vendor', 'Vendor', 'active', '{}', now())
"""


def trigger(table: str, name: str, when: str, does: str) -> Operation:
    """Hang a function on a table."""
    return RunSQL(
        f"CREATE TRIGGER {name} {when} ON {table} {does}",
        f"DROP TRIGGER {name} ON {table}",
    )


def tells_tenants(table: str, column: str) -> list[Operation]:
    """Count every change of a tenant's rows, once a statement."""
    return [
        trigger(
            table,
            f"generation_{event.lower()}",
            f"AFTER {event}",
            f"REFERENCING {rows} FOR EACH STATEMENT EXECUTE FUNCTION licensing_bump_tenants('{column}')",
        )
        for event, rows in ROWS.items()
    ]


def row_guard(table: str, name: str, events: str, function: str) -> Operation:
    """Refuse a row before it is written."""
    return trigger(table, name, f"BEFORE {events}", f"FOR EACH ROW EXECUTE FUNCTION {function}()")


class Migration(migrations.Migration):
    """Triggers, and tenant zero."""

    # Part of the first release's schema: it guards tables that are still empty.
    initial = True
    dependencies = [("licensing", "0002_integrity")]
    operations = [
        RunSQL(VERSION_KEPT, "DROP FUNCTION licensing_keep_version()"),
        RunSQL(TERM_KEPT, "DROP FUNCTION licensing_keep_term()"),
        RunSQL(FLOOR_RISES, "DROP FUNCTION licensing_only_rise()"),
        RunSQL(OVERRIDE_RATCHETS, "DROP FUNCTION licensing_override_ratchets()"),
        RunSQL(BUMP, UNBUMP),
        row_guard(
            "licensing_plan_version",
            "kept",
            "INSERT OR UPDATE OR DELETE",
            "licensing_keep_version",
        ),
        row_guard(
            "licensing_plan_term",
            "kept",
            "INSERT OR UPDATE OR DELETE",
            "licensing_keep_term",
        ),
        row_guard(
            "licensing_requirement_floor",
            "only_rises",
            "UPDATE OR DELETE",
            "licensing_only_rise",
        ),
        row_guard(
            "licensing_override",
            "ratchets",
            "UPDATE OR DELETE",
            "licensing_override_ratchets",
        ),
        *(
            trigger(
                table,
                "generation",
                "AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE",
                "FOR EACH STATEMENT EXECUTE FUNCTION licensing_bump_catalogue()",
            )
            for table in (
                "licensing_feature",
                "licensing_action",
                "licensing_role_default",
                "licensing_plan",
                "licensing_plan_version",
                "licensing_plan_term",
            )
        ),
        *tells_tenants("licensing_tenant", "id"),
        *(
            operation
            for table in (
                "licensing_role",
                "licensing_member",
                "licensing_subscription",
                "licensing_subscription_add_on",
                "licensing_override",
                "licensing_requirement_floor",
            )
            for operation in tells_tenants(table, "tenant_id")
        ),
        RunSQL(VENDOR, "DELETE FROM licensing_tenant WHERE slug = 'vendor'"),
    ]
