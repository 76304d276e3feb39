"""What a decision reads of a member, in one call."""

from django.db import migrations

# Plain JSON text: the caller reads it straight into its own types.
_MEMBER_FACTS = """
CREATE FUNCTION licensing_member_facts(tenant uuid, a_type text, an_id text) RETURNS text
LANGUAGE plpgsql VOLATILE AS $fn$
BEGIN
    RETURN (
        SELECT json_build_object('roles', m.roles, 'is_active', m.active)
        FROM licensing_member m
        WHERE m.tenant_id = tenant AND m.subject_type = a_type AND m.subject_id = an_id
    );
END
$fn$
"""


class Migration(migrations.Migration):
    """A function that the release before this one does not call."""

    dependencies = [("licensing", "0003_guards"), ("isolation", "0002_serve")]
    operations = [migrations.RunSQL(_MEMBER_FACTS, "DROP FUNCTION licensing_member_facts(uuid, text, text)")]
