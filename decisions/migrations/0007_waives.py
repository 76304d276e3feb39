"""What was not proved of a bundle that was put in force, and by whose word it was: told with the step, and in the trail."""

from django.db import migrations, models

_TOLD = """
CREATE OR REPLACE FUNCTION decisions_activation_told() RETURNS trigger LANGUAGE plpgsql
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
        AND coalesce(payload -> 'gives_up', '[]') = to_jsonb(NEW.gives_up){waives};
    IF NOT FOUND THEN
        RAISE EXCEPTION 'activation % is not told in the trail', NEW.number
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$fn$
"""
_WAIVES = "\n        AND coalesce(payload -> 'waives', '[]') = NEW.waives"
_VENDOR = "00000000-0000-0000-0000-000000000000"


def _told(waives: str) -> str:
    return _TOLD.replace("{vendor}", _VENDOR).replace("{waives}", waives)


class Migration(migrations.Migration):
    """A step that the release before this one takes tells of no waiver, in the trail neither."""

    dependencies = [("decisions", "0006_counted_rules")]
    operations = [
        migrations.AddField(
            model_name="policyactivation", name="waives", field=models.JSONField(db_default=[], default=list)
        ),
        migrations.RunSQL(_told(_WAIVES), _told("")),
    ]
