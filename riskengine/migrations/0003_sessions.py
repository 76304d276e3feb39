"""What a session has looked like: noted from medium on, raised from high on, and settled once its person has confirmed."""

from typing import Final

from django.db import migrations, models

# Looks that were told of already are no news: whoever confirmed with them is not asked again by the same.
_NOTED: Final = """
CREATE FUNCTION riskengine_noted(
    tenant uuid, session uuid, a_type text, an_id text, a_look text, a_band text, since timestamptz, most integer
) RETURNS text LANGUAGE plpgsql VOLATILE AS $fn$
DECLARE
    ranks constant text[] := ARRAY['unknown', 'low', 'medium', 'high', 'critical'];
    noted riskengine_session;
BEGIN
    INSERT INTO riskengine_session (id, tenant_id, session_id, subject_type, subject_id, band, raised_at, looks, version)
    VALUES (gen_random_uuid(), tenant, session, a_type, an_id, a_band, since, jsonb_build_object(a_look, a_band), 1)
    ON CONFLICT (tenant_id, session_id) DO UPDATE SET
        band = ranks[greatest(array_position(ranks, riskengine_session.band), array_position(ranks, a_band))],
        raised_at = greatest(riskengine_session.raised_at, since),
        looks = jsonb_build_object(a_look, a_band) || CASE
            WHEN (SELECT count(*) FROM jsonb_object_keys(riskengine_session.looks)) < most
            THEN riskengine_session.looks - a_look ELSE '{}' END,
        version = riskengine_session.version + 1
    WHERE coalesce(array_position(ranks, riskengine_session.looks ->> a_look), 0) < array_position(ranks, a_band)
    RETURNING * INTO noted;
    IF NOT FOUND THEN
        SELECT * INTO noted FROM riskengine_session r WHERE r.tenant_id = tenant AND r.session_id = session;
    END IF;
    RETURN json_build_object(
        'band', noted.band, 'raised_at', noted.raised_at, 'looks', noted.looks, 'version', noted.version
    );
END
$fn$
"""
_UNNOTED: Final = "DROP FUNCTION riskengine_noted(uuid, uuid, text, text, text, text, timestamptz, integer)"

# With every other look it begins anew: what was seen of those is news when it is seen again.
_SETTLED: Final = """
CREATE FUNCTION riskengine_settled(tenant uuid, session uuid, a_look text) RETURNS text LANGUAGE plpgsql VOLATILE AS $fn$
DECLARE
    noted riskengine_session;
BEGIN
    UPDATE riskengine_session r SET
        band = 'unknown',
        looks = CASE WHEN r.looks ? a_look THEN jsonb_build_object(a_look, r.looks -> a_look) ELSE '{}' END,
        version = r.version + 1
    WHERE r.tenant_id = tenant AND r.session_id = session
    RETURNING * INTO noted;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    RETURN json_build_object(
        'band', noted.band, 'raised_at', noted.raised_at, 'looks', noted.looks, 'version', noted.version
    );
END
$fn$
"""


_POLICY: Final = """
CREATE FUNCTION riskengine_policy_known(tenant uuid) RETURNS text LANGUAGE plpgsql VOLATILE AS $fn$
BEGIN
    RETURN (
        SELECT json_build_object('mode', p.mode, 'table', p.table) FROM riskengine_policy p WHERE p.tenant_id = tenant
    );
END
$fn$
"""
# What a decision is made by is of the version of the tenant's state that it names, so each change is counted (licensing 0003).
_ROWS: Final = {
    "INSERT": "NEW TABLE AS new_rows",
    "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "OLD TABLE AS old_rows",
}


class Migration(migrations.Migration):
    """Functions and triggers that the release before this one knows nothing of, and an instant that need not be there."""

    dependencies = [("riskengine", "0002_known")]
    operations = [
        migrations.AlterField(model_name="sessionrisk", name="raised_at", field=models.DateTimeField(null=True)),
        migrations.RunSQL(_NOTED, _UNNOTED),
        migrations.RunSQL(_POLICY, "DROP FUNCTION riskengine_policy_known(uuid)"),
        *(
            migrations.RunSQL(
                f"CREATE TRIGGER generation_{event.lower()} AFTER {event} ON riskengine_policy "
                f"REFERENCING {rows} FOR EACH STATEMENT EXECUTE FUNCTION licensing_bump_tenants('tenant_id')",
                f"DROP TRIGGER generation_{event.lower()} ON riskengine_policy",
            )
            for event, rows in _ROWS.items()
        ),
        migrations.RunSQL(_SETTLED, "DROP FUNCTION riskengine_settled(uuid, uuid, text)"),
    ]
