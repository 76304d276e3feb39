"""A session that came to look riskier: what was confirmed in it before ends, and a decision reads since when."""

from importlib import import_module
from typing import Final

from django.db import migrations

from authlevels.heeding import heed

_BEFORE: Final = import_module("authlevels.migrations.0028_session_began")._SESSION_KNOWN  # noqa: SLF001
_ACTED_ON: Final = """NOT EXISTS (
                    SELECT FROM riskengine_policy o WHERE o.tenant_id = {tenant} AND o.mode IN ('off', 'observe')
                )"""
_EXPIRES: Final = "'created_at', s.created_at,"
_RISK: Final = f"""'riskier_since', (
                    SELECT k.raised_at FROM riskengine_session k
                    WHERE k.tenant_id = tenant AND k.session_id = s.id AND {_ACTED_ON.format(tenant="tenant")}
                ),
                'risk_band', coalesce((
                    SELECT k.band FROM riskengine_session k WHERE k.tenant_id = tenant AND k.session_id = s.id
                ), 'unknown'),
                {_EXPIRES}"""  # noqa: S608 - constant
_SESSION_KNOWN: Final = _BEFORE.replace(_EXPIRES, _RISK)

# It knows no keys, and so writes no entry of the trail: what it ends is told of later (0024).
_ENDS: Final = f"""
CREATE FUNCTION authlevels_end_with_risk() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    WITH ended AS (
        UPDATE authlevels_elevation e SET ended_at = clock_timestamp()
        WHERE e.tenant_id = NEW.tenant_id AND e.session_id = NEW.session_id AND e.ended_at IS NULL
          AND e.created_at < NEW.raised_at AND {_ACTED_ON.format(tenant="NEW.tenant_id")}
        RETURNING e.*
    )
    INSERT INTO authlevels_untold_end (id, tenant_id, elevation_id, why, ended_at)
    SELECT gen_random_uuid(), tenant_id, id, 'risk_raised', ended_at FROM ended
    WHERE used_at IS NULL AND awaits_digest IS NULL AND expires_at > ended_at;
    RETURN NULL;
END
$body$;
CREATE TRIGGER end_with_risk_noted AFTER INSERT ON riskengine_session
    FOR EACH ROW WHEN (NEW.raised_at IS NOT NULL) EXECUTE FUNCTION authlevels_end_with_risk();
CREATE TRIGGER end_with_risk AFTER UPDATE OF raised_at ON riskengine_session
    FOR EACH ROW WHEN (NEW.raised_at IS NOT NULL AND NEW.raised_at IS DISTINCT FROM OLD.raised_at)
    EXECUTE FUNCTION authlevels_end_with_risk();
"""  # noqa: S608 - the names are the migrations' own
_NO_LONGER: Final = """
DROP TRIGGER end_with_risk ON riskengine_session;
DROP TRIGGER end_with_risk_noted ON riskengine_session;
DROP FUNCTION authlevels_end_with_risk();
"""


class Migration(migrations.Migration):
    """Triggers on a table that the release before this one does not write, and members that it does not read."""

    dependencies = [("authlevels", "0028_session_began"), ("riskengine", "0003_sessions")]
    operations = [
        migrations.RunSQL(_SESSION_KNOWN, _BEFORE),
        migrations.RunSQL(_ENDS, _NO_LONGER),
        # Whoever is remembered is remembered with what their session looked like.
        *heed("riskengine_session", realm="r.tenant_id", events=("INSERT", "UPDATE"), unheeded=("looks", "version")),
    ]
