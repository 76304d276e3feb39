"""Whoever leaves a tenant leaves what they had confirmed there: nothing of it counts again if they come back."""

from typing import Final

from django.db import migrations

# In the transaction that ends the membership, whoever ends it. The clock is the database's: no rule asks when it was.
_END: Final = """
CREATE FUNCTION authlevels_end_with_membership() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    UPDATE authlevels_elevation e SET ended_at = clock_timestamp()
    FROM authlevels_session s
    WHERE s.tenant_id = OLD.tenant_id AND s.subject_type = OLD.subject_type AND s.subject_id = OLD.subject_id
      AND e.tenant_id = s.tenant_id AND e.session_id = s.id AND e.ended_at IS NULL;
    UPDATE authlevels_challenge c SET closed_at = clock_timestamp()
    WHERE c.tenant_id = OLD.tenant_id AND c.subject_type = OLD.subject_type AND c.subject_id = OLD.subject_id
      AND c.closed_at IS NULL;
    RETURN NULL;
END
$body$;
CREATE TRIGGER end_what_was_confirmed AFTER DELETE ON licensing_member
    FOR EACH ROW EXECUTE FUNCTION authlevels_end_with_membership();
CREATE TRIGGER end_what_was_confirmed_meanwhile AFTER UPDATE OF active ON licensing_member
    FOR EACH ROW WHEN (OLD.active AND NOT NEW.active) EXECUTE FUNCTION authlevels_end_with_membership();
"""
_LEAVE: Final = """
DROP TRIGGER end_what_was_confirmed ON licensing_member;
DROP TRIGGER end_what_was_confirmed_meanwhile ON licensing_member;
DROP FUNCTION authlevels_end_with_membership();
"""


class Migration(migrations.Migration):
    """Triggers on the table of the room below, which knows nothing of them."""

    dependencies = [("authlevels", "0010_suspended"), ("licensing", "0007_member_state")]
    operations = [migrations.RunSQL(_END, _LEAVE)]
