"""What tenants held and what the catalogue said, at any instant from now on."""

import uuid
from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

from isolation.migrations_ops import isolate, share
from isolation.roles import APP_ROLE, SWEEP_ROLE

_OF_TENANTS = (
    "licensing_subscription",
    "licensing_subscription_add_on",
    "licensing_override",
    "licensing_requirement_floor",
    "licensing_environment",
)
_OF_THE_CATALOGUE = ("licensing_feature", "licensing_action", "licensing_plan")


def _remember(history: str, column: str, value: str) -> str:
    """Write the function that keeps a table's states; column and value: whose row it is, where it is a tenant's.

    All that one transaction writes is written at one instant, so that no reader finds half of it. As the owner: what
    was is nobody's to change who serves anything.
    """
    of = f"{column} = {value} AND " if column else ""
    return f"""
        CREATE FUNCTION {history.replace("_history", "_remember")}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = pg_catalog, public, pg_temp AS $fn$
        DECLARE
            moment timestamptz := nullif(current_setting('app.history_at', true), '')::timestamptz;
            was jsonb := CASE WHEN TG_OP = 'INSERT' THEN NULL ELSE to_jsonb(OLD) END;
            is_now jsonb := CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE to_jsonb(NEW) END;
            named jsonb := coalesce(is_now, was);
            stood timestamptz;
        BEGIN
            IF was IS NOT DISTINCT FROM is_now THEN
                RETURN NULL;
            END IF;
            IF moment IS NULL THEN
                moment := clock_timestamp();
                PERFORM set_config('app.history_at', moment::text, true);
            END IF;
            IF was IS NOT NULL THEN
                SELECT since INTO stood FROM {history}
                    WHERE {of}table_name = TG_TABLE_NAME AND row_id = (named ->> 'id')::uuid AND until IS NULL;
                moment := greatest(moment, stood);
                DELETE FROM {history} WHERE {of}table_name = TG_TABLE_NAME
                    AND row_id = (named ->> 'id')::uuid AND until IS NULL AND since = moment;
                UPDATE {history} SET until = moment
                    WHERE {of}table_name = TG_TABLE_NAME AND row_id = (named ->> 'id')::uuid AND until IS NULL;
            END IF;
            IF is_now IS NOT NULL THEN
                INSERT INTO {history} (id, {column + ", " if column else ""}table_name, row_id, "row", since)
                VALUES (gen_random_uuid(), {value + ", " if value else ""}TG_TABLE_NAME, (named ->> 'id')::uuid, is_now, moment);
            END IF;
            RETURN NULL;
        END
        $fn$
    """  # noqa: S608 - the names are the migration's own


# Who was erased is found in no state of old either: of an override's states the author may be changed, and nothing else.
_ONLY_AUTHORS = """
CREATE FUNCTION licensing_history_kept() RETURNS trigger LANGUAGE plpgsql AS $fn$
BEGIN
    IF NEW.table_name <> 'licensing_override' OR NEW."row" - 'by' <> OLD."row" - 'by' THEN
        RAISE EXCEPTION 'what was never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$fn$
"""


def _fields() -> list[tuple[str, Any]]:
    return [
        ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
        ("table_name", models.TextField()),
        ("row_id", models.UUIDField()),
        ("row", models.JSONField()),
        ("since", models.DateTimeField(null=True)),
        ("until", models.DateTimeField(null=True)),
    ]


def _told_to(table: str, history: str, *, of_tenant: bool) -> list[Operation]:
    """Begin a table's history: with what stands, and from then on with every change."""
    column = "tenant_id, " if of_tenant else ""
    return [
        migrations.RunSQL(
            f'INSERT INTO {history} (id, {column}table_name, row_id, "row") '  # noqa: S608 - our own names
            f"SELECT gen_random_uuid(), {column}'{table}', id, to_jsonb(t) FROM {table} t",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            f"CREATE TRIGGER remembered AFTER INSERT OR UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {history.replace('_history', '_remember')}()",
            f"DROP TRIGGER remembered ON {table}",
        ),
    ]


class Migration(migrations.Migration):
    """Two tables that triggers alone write; the release before this one does not know them, and is remembered too."""

    dependencies = [("licensing", "0012_plans_over_time")]
    operations = [
        migrations.CreateModel(
            name="History",
            fields=[
                *_fields(),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="licensing.tenant"
                    ),
                ),
            ],
            options={
                "db_table": "licensing_history",
                "abstract": False,
                "constraints": (
                    models.UniqueConstraint(fields=("tenant", "id"), name="licensing_history_tenant_key"),
                    models.UniqueConstraint(
                        fields=("tenant", "table_name", "row_id"),
                        condition=models.Q(until__isnull=True),
                        name="licensing_history_one_stands",
                    ),
                ),
            },
        ),
        migrations.CreateModel(
            name="CatalogueHistory",
            fields=_fields(),
            options={
                "db_table": "licensing_catalogue_history",
                "abstract": False,
                "constraints": (
                    models.UniqueConstraint(
                        fields=("table_name", "row_id"),
                        condition=models.Q(until__isnull=True),
                        name="licensing_catalogue_history_one_stands",
                    ),
                ),
            },
        ),
        *isolate("licensing_history"),
        migrations.RunSQL(
            f"REVOKE INSERT, UPDATE, DELETE ON licensing_history FROM {APP_ROLE}, {SWEEP_ROLE}; "
            f'GRANT UPDATE ("row") ON licensing_history TO {APP_ROLE}',
            migrations.RunSQL.noop,
        ),
        *share("licensing_catalogue_history", writable=False),
        migrations.RunSQL(
            _remember("licensing_history", "tenant_id", "(named ->> 'tenant_id')::uuid"),
            "DROP FUNCTION licensing_remember()",
        ),
        migrations.RunSQL(
            _remember("licensing_catalogue_history", "", ""), "DROP FUNCTION licensing_catalogue_remember()"
        ),
        migrations.RunSQL(_ONLY_AUTHORS, "DROP FUNCTION licensing_history_kept()"),
        migrations.RunSQL(
            'CREATE TRIGGER kept BEFORE UPDATE OF "row" ON licensing_history '
            "FOR EACH ROW EXECUTE FUNCTION licensing_history_kept()",
            "DROP TRIGGER kept ON licensing_history",
        ),
        *(one for table in _OF_TENANTS for one in _told_to(table, "licensing_history", of_tenant=True)),
        *(
            one
            for table in _OF_THE_CATALOGUE
            for one in _told_to(table, "licensing_catalogue_history", of_tenant=False)
        ),
    ]
