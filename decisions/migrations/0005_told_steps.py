"""No step without the trail: whoever writes one, in whatever way, writes an entry that tells just that, or neither stands."""

from django.db import migrations

# At the end of the transaction, since the entry follows the step. Whoever appends chooses no xid, so that an entry of
# before tells nothing of this one. A transaction that serves another tenant than the vendor sees no such
# entry, and takes no step.
_TOLD = """
CREATE FUNCTION decisions_activation_told() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $fn$
BEGIN
    PERFORM FROM audit_entry
    WHERE xid = pg_current_xact_id() AND tenant_id = '{vendor}'
        AND kind = CASE NEW.step
            WHEN 'activate' THEN 'bundle.activated' WHEN 'stage' THEN 'bundle.staged'
            WHEN 'withdraw' THEN 'bundle.withdrawn' WHEN 'roll_back' THEN 'bundle.rolled_back' END
        AND payload ->> 'number' = NEW.number::text
        AND payload ->> 'because' = NEW.because
        AND payload ->> 'active' IS NOT DISTINCT FROM NEW.active_id
        AND payload ->> 'candidate' IS NOT DISTINCT FROM NEW.candidate_id
        AND coalesce(payload ->> 'mode', 'none') = NEW.mode
        AND coalesce(payload -> 'percent', '0') = to_jsonb(NEW.percent)
        AND coalesce(payload -> 'tenants', '[]') = to_jsonb(NEW.tenants)
        AND coalesce(payload -> 'gives_up', '[]') = to_jsonb(NEW.gives_up);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'activation % is not told in the trail', NEW.number
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$fn$
"""
_VENDOR = "00000000-0000-0000-0000-000000000000"


class Migration(migrations.Migration):
    """The release before this one tells its steps, too."""

    dependencies = [("decisions", "0004_gives_up"), ("audit", "0006_append_together")]
    operations = [
        migrations.RunSQL(_TOLD.replace("{vendor}", _VENDOR), "DROP FUNCTION decisions_activation_told()"),
        migrations.RunSQL(
            "CREATE CONSTRAINT TRIGGER told AFTER INSERT ON decisions_activation DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION decisions_activation_told()",
            "DROP TRIGGER told ON decisions_activation",
        ),
    ]
