"""What Django cannot say: same-tenant references, and what may never change."""

from django.db import migrations

from isolation.migrations_ops import composite_fk

_KEEP_STEP = """
CREATE FUNCTION authlevels_keep_step() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NEW.last_step < OLD.last_step OR (OLD.confirmed AND NOT NEW.confirmed) THEN
        RAISE EXCEPTION 'a factor''s last step only grows, and a confirmed one stays so'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$body$;
CREATE TRIGGER keep_step BEFORE UPDATE ON authlevels_totpdevice
    FOR EACH ROW EXECUTE FUNCTION authlevels_keep_step();
"""

_KEEP_END = """
CREATE FUNCTION authlevels_keep_end() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF to_jsonb(OLD) ->> TG_ARGV[0] IS NOT NULL
        AND to_jsonb(NEW) ->> TG_ARGV[0] IS DISTINCT FROM to_jsonb(OLD) ->> TG_ARGV[0] THEN
        RAISE EXCEPTION 'what has ended does not begin again' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$body$;
CREATE TRIGGER keep_end BEFORE UPDATE ON authlevels_session
    FOR EACH ROW EXECUTE FUNCTION authlevels_keep_end('revoked_at');
CREATE TRIGGER keep_end BEFORE UPDATE ON authlevels_service_credential
    FOR EACH ROW EXECUTE FUNCTION authlevels_keep_end('revoked_at');
CREATE TRIGGER keep_end BEFORE UPDATE ON authlevels_challenge
    FOR EACH ROW EXECUTE FUNCTION authlevels_keep_end('closed_at');
CREATE TRIGGER keep_end BEFORE UPDATE ON authlevels_elevation
    FOR EACH ROW EXECUTE FUNCTION authlevels_keep_end('ended_at');
"""

_DROP_END = """
DROP TRIGGER keep_end ON authlevels_session;
DROP TRIGGER keep_end ON authlevels_service_credential;
DROP TRIGGER keep_end ON authlevels_challenge;
DROP TRIGGER keep_end ON authlevels_elevation;
DROP FUNCTION authlevels_keep_end();
"""


class Migration(migrations.Migration):
    """Guards."""

    dependencies = [("authlevels", "0001_tables"), ("isolation", "0001_roles_and_guards")]
    operations = [
        *composite_fk("authlevels_proof", "session_id", "authlevels_session"),
        *composite_fk("authlevels_proof", "challenge_id", "authlevels_challenge"),
        *composite_fk("authlevels_proof", "elevation_id", "authlevels_elevation"),
        *composite_fk("authlevels_challenge", "session_id", "authlevels_session"),
        *composite_fk("authlevels_elevation", "session_id", "authlevels_session"),
        *composite_fk("authlevels_elevation", "challenge_id", "authlevels_challenge"),
        migrations.RunSQL(
            _KEEP_STEP,
            "DROP TRIGGER keep_step ON authlevels_totpdevice; DROP FUNCTION authlevels_keep_step();",
        ),
        migrations.RunSQL(_KEEP_END, _DROP_END),
    ]
