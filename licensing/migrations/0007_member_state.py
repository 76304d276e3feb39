"""What a decision reads of a member, with the version that it belongs to."""

from django.db import migrations

# One statement, so one instant: the counters and the member's row are of the same state, whatever commits meanwhile.
_MEMBER_STATE = """
CREATE FUNCTION licensing_member_state(tenant uuid, a_type text, an_id text) RETURNS text
LANGUAGE plpgsql VOLATILE AS $fn$
BEGIN
    RETURN (
        SELECT json_build_object(
            'catalogue', coalesce(
                (SELECT number FROM licensing_generation WHERE scope = 'ffffffff-ffff-ffff-ffff-ffffffffffff'), 0
            ),
            'tenant', coalesce((SELECT number FROM licensing_generation WHERE scope = tenant), 0),
            'member', (
                SELECT json_build_object('roles', m.roles, 'is_active', m.active)
                FROM licensing_member m
                WHERE m.tenant_id = tenant AND m.subject_type = a_type AND m.subject_id = an_id
            )
        )
    );
END
$fn$
"""


class Migration(migrations.Migration):
    """A function that the release before this one does not call.

    It takes the place of 0004's ``licensing_member_facts``, which code up to 0006 calls and no later code does. Drop
    that one no sooner than in the release after the first that holds this migration: the release before each one must
    run on its schema, and the one before the first still calls it.
    """

    dependencies = [("licensing", "0006_restorable")]
    operations = [migrations.RunSQL(_MEMBER_STATE, "DROP FUNCTION licensing_member_state(uuid, text, text)")]
