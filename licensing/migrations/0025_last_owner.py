"""A tenant that has an owner keeps one, whoever changes or ends memberships, in whatever way and however many at once."""

from typing import Final

from django.db import migrations

# The lock on the tenant's row lets one owner go at a time: whoever waited for it sees what the other has left. Whoever
# reads as of an instant before that is refused by the tenant's counter, which each change of a membership raises.
# A tenant that is closed has nobody who looks after it, and lets its last one go.
_STAYS: Final = """
CREATE FUNCTION licensing_last_owner_stays() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $fn$
DECLARE
    state text;
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.tenant_id = OLD.tenant_id AND NEW.active AND 'owner' = ANY (NEW.roles) THEN
        RETURN NULL;
    END IF;
    SELECT status INTO state FROM licensing_tenant WHERE id = OLD.tenant_id FOR NO KEY UPDATE;
    PERFORM FROM licensing_member WHERE tenant_id = OLD.tenant_id AND active AND 'owner' = ANY (roles);
    IF NOT FOUND AND state IS DISTINCT FROM 'closed' THEN
        RAISE EXCEPTION 'the last owner of a tenant stays'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'licensing_last_owner_stays';
    END IF;
    RETURN NULL;
END
$fn$;
CREATE TRIGGER last_owner_stays AFTER UPDATE OR DELETE ON licensing_member
    FOR EACH ROW WHEN (OLD.active AND 'owner' = ANY (OLD.roles)) EXECUTE FUNCTION licensing_last_owner_stays();
"""
_LEAVES: Final = """
DROP TRIGGER last_owner_stays ON licensing_member;
DROP FUNCTION licensing_last_owner_stays();
"""


class Migration(migrations.Migration):
    """A trigger; the release before this one tells what it refuses as an error of its own."""

    dependencies = [("licensing", "0024_content")]
    operations = [migrations.RunSQL(_STAYS, _LEAVES)]
