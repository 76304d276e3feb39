"""A counter of what the catalogue holds, beside the one that a change of the rules in force raises too.

While it stands, and the tenant's own does, a process that remembers what a tenant holds need read none of it again.
"""

from django.db import migrations
from django.db.migrations.operations.base import Operation

_TABLES = (
    *("licensing_feature", "licensing_action", "licensing_role_default", "licensing_scope", "licensing_scope_action"),
    *("licensing_plan", "licensing_plan_version", "licensing_plan_term"),
)

_FUNCTION = """
CREATE FUNCTION licensing_bump_content() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $fn$
BEGIN
    PERFORM licensing_bump_one('ffffffff-ffff-ffff-ffff-fffffffffffe');
    RETURN NULL;
END
$fn$
"""

# After the triggers: no change is then under way that would not be counted. What was told of each tenant was told at
# this number, so that nobody is looked at again for the new counter's sake.
_FIRST = """
INSERT INTO licensing_generation (scope, number)
SELECT 'ffffffff-ffff-ffff-ffff-fffffffffffe', number FROM licensing_generation
WHERE scope = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
"""
_GONE = "DELETE FROM licensing_generation WHERE scope = 'ffffffff-ffff-ffff-ffff-fffffffffffe'"


def _counted(table: str) -> Operation:
    # A trigger of its own: to hang it there waits for every change that began without it, which a function that is
    # replaced would not.
    return migrations.RunSQL(
        f"CREATE TRIGGER content AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION licensing_bump_content()",
        f"DROP TRIGGER content ON {table}",
    )


class Migration(migrations.Migration):
    """A counter that the release before this one does not read."""

    dependencies = [("licensing", "0023_first_of_a_period")]
    operations = [
        migrations.RunSQL(_FUNCTION, "DROP FUNCTION licensing_bump_content()"),
        *(_counted(table) for table in _TABLES),
        migrations.RunSQL(_FIRST, _GONE),
    ]
