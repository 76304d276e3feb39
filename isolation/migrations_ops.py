"""What a room's migration calls to guard its tables."""

from typing import Final, Literal

from django.db.migrations.operations import RunSQL
from django.db.migrations.operations.base import Operation

from isolation.roles import APP_ROLE, OWNER_ROLE, SWEEP_ROLE, TENANT_SETTING

type OnDelete = Literal["CASCADE", "RESTRICT", "NO ACTION"]

# No second argument and no NULLIF: unset or left empty by an earlier transaction, the cast is an error.
# A query that forgot its tenant must be seen failing, not be mistaken for one that found nothing.
_OWN_ROWS: Final = f"tenant_id = current_setting('{TENANT_SETTING}')::uuid"

_POLICIES: Final = (
    ("tenant_rows", APP_ROLE, _OWN_ROWS),
    ("sweep_rows", SWEEP_ROLE, "true"),
    ("owner_rows", OWNER_ROLE, "true"),
)


def isolate(table: str) -> list[Operation]:
    """Put a tenant table under row-level security, and make (tenant_id, id) a key that others may refer to.

    The app role sees the rows of the tenant that its transaction serves, and errors where it serves none.
    """
    return [
        RunSQL(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP_ROLE}, {SWEEP_ROLE}",
            f"REVOKE ALL ON {table} FROM {APP_ROLE}, {SWEEP_ROLE}",
        ),
        RunSQL(f"REVOKE TRUNCATE ON {table} FROM {APP_ROLE}, {SWEEP_ROLE}", RunSQL.noop),
        RunSQL(
            _tenant_key(table),
            f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {table}_tenant_key",
        ),
        RunSQL(
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY",
        ),
        *(
            RunSQL(
                f"CREATE POLICY {name} ON {table} FOR ALL TO {role} USING ({rows}) WITH CHECK ({rows})",
                f"DROP POLICY {name} ON {table}",
            )
            for name, role, rows in _POLICIES
        ),
    ]


def _tenant_key(table: str) -> str:
    # Put together where it is run: a linter of migrations reads no conditions, and would warn of a lock on a table in
    # use, while every table that comes here is new.
    return f"""
        DO $do$
        BEGIN
            IF NOT EXISTS (
                SELECT FROM pg_constraint c
                WHERE c.conrelid = '{table}'::regclass AND c.contype IN ('u', 'p')
                  AND (SELECT array_agg(a.attname::text ORDER BY a.attname) FROM pg_attribute a
                       WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)) = ARRAY['id', 'tenant_id']
            ) THEN
                EXECUTE format('ALTER TABLE %I ADD %s (tenant_id, id)', '{table}', 'CONSTRAINT {table}_tenant_key UNIQUE');
            END IF;
        END
        $do$
    """  # noqa: S608 - the names are the migrations' own


def composite_fk(table: str, column: str, to_table: str, on_delete: OnDelete = "RESTRICT") -> list[Operation]:
    """Refer from one tenant table to another within the same tenant.

    Row-level security does not guard foreign keys: a plain one could name another tenant's row. A NULL in
    the column refers to nothing.
    """
    name = f"{table}_{column}_same_tenant"
    return [
        RunSQL(
            f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (tenant_id, {column}) "
            f"REFERENCES {to_table} (tenant_id, id) ON DELETE {on_delete} DEFERRABLE INITIALLY IMMEDIATE",
            f"ALTER TABLE {table} DROP CONSTRAINT {name}",
        ),
    ]


def append_only(table: str) -> list[Operation]:
    """Let rows be added to a table and never be changed, by any role that serves anything.

    The privilege is revoked and a trigger stands behind it, so that a grant made by mistake opens nothing.
    """
    return [
        RunSQL(
            f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {APP_ROLE}, {SWEEP_ROLE}",
            f"GRANT UPDATE, DELETE ON {table} TO {APP_ROLE}, {SWEEP_ROLE}",
        ),
        RunSQL(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION isolation_refuse_change()",
            f"DROP TRIGGER append_only ON {table}",
        ),
        RunSQL(
            f"CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION isolation_refuse_change()",
            f"DROP TRIGGER append_only_whole ON {table}",
        ),
    ]


def share(table: str, *, writable: bool) -> list[Operation]:
    """Grant the app and sweep roles a global table: to read, or also to write."""
    verbs = "SELECT, INSERT, UPDATE, DELETE" if writable else "SELECT"
    return [
        RunSQL(
            f"REVOKE ALL ON {table} FROM {APP_ROLE}, {SWEEP_ROLE}; GRANT {verbs} ON {table} TO {APP_ROLE}, {SWEEP_ROLE}",
            f"REVOKE ALL ON {table} FROM {APP_ROLE}, {SWEEP_ROLE}",
        ),
    ]
