"""What support does in somebody's name goes on no longer than support itself: its session, membership and roles."""

from typing import Final

from django.db import migrations, models

_VENDOR: Final = "'00000000-0000-0000-0000-000000000000'::uuid"
_PRIVILEGE: Final = "support.impersonate"

# As the owner: the vendor's rows and a customer's are of two tenants, and whoever serves requests sees one of them.
# The locks make whoever takes something back wait for who begins, and the other way round: neither misses the other.
_BEGINS: Final = f"""
CREATE FUNCTION authlevels_support_begins() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $fn$
BEGIN
    PERFORM FROM authlevels_session s
        JOIN authlevels_user u ON u.id = s.user_id
        JOIN licensing_member m
            ON m.tenant_id = s.tenant_id AND m.subject_type = s.subject_type AND m.subject_id = s.subject_id
    WHERE s.tenant_id = {_VENDOR} AND s.id = NEW.impersonator_session AND s.kind = 'own'
        AND concat(s.subject_type, ':', s.subject_id) = NEW.impersonator
        AND s.revoked_at IS NULL AND s.expires_at >= NEW.expires_at
        AND u.is_active AND (u.sessions_from IS NULL OR coalesce(s.kept_at, s.created_at) >= u.sessions_from)
        AND m.active
    FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'support acts in nobody''s name without a session of its own' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$fn$;
REVOKE ALL ON FUNCTION authlevels_support_begins() FROM PUBLIC;
CREATE TRIGGER support_begins BEFORE INSERT ON authlevels_session
    FOR EACH ROW WHEN (NEW.kind = 'impersonated') EXECUTE FUNCTION authlevels_support_begins();
"""

# Of a role that no longer lets anybody do it, all end that its holders began: who may by another role begins anew.
_ENDS: Final = f"""
CREATE FUNCTION authlevels_support_ends() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $fn$
DECLARE
    one uuid;
    who text;
    role text;
BEGIN
    IF TG_TABLE_NAME = 'authlevels_session' THEN
        one := OLD.id;
    ELSIF TG_TABLE_NAME IN ('licensing_member', 'authlevels_user') THEN
        who := concat(OLD.subject_type, ':', OLD.subject_id);
    ELSE
        role := OLD.key;
    END IF;
    UPDATE authlevels_session s SET revoked_at = clock_timestamp()
    WHERE s.kind = 'impersonated' AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp() - interval '1 hour'
        AND (one IS NULL OR s.impersonator_session = one) AND (who IS NULL OR s.impersonator = who)
        AND (role IS NULL OR EXISTS (
            SELECT FROM licensing_member m
            WHERE m.tenant_id = {_VENDOR} AND concat(m.subject_type, ':', m.subject_id) = s.impersonator
                AND role = ANY (m.roles)
        ));
    RETURN NULL;
END
$fn$;
REVOKE ALL ON FUNCTION authlevels_support_ends() FROM PUBLIC;

CREATE TRIGGER support_ends_with_session AFTER UPDATE OF revoked_at, expires_at ON authlevels_session
    FOR EACH ROW WHEN (OLD.tenant_id = {_VENDOR} AND OLD.revoked_at IS NULL
        AND (NEW.revoked_at IS NOT NULL OR NEW.expires_at < OLD.expires_at))
    EXECUTE FUNCTION authlevels_support_ends();
CREATE TRIGGER support_ends_with_row AFTER DELETE ON authlevels_session
    FOR EACH ROW WHEN (OLD.tenant_id = {_VENDOR}) EXECUTE FUNCTION authlevels_support_ends();
CREATE TRIGGER support_ends_with_member AFTER DELETE ON licensing_member
    FOR EACH ROW WHEN (OLD.tenant_id = {_VENDOR}) EXECUTE FUNCTION authlevels_support_ends();
CREATE TRIGGER support_ends_meanwhile AFTER UPDATE OF active, roles ON licensing_member
    FOR EACH ROW WHEN (OLD.tenant_id = {_VENDOR}
        AND (OLD.active AND NOT NEW.active OR NOT OLD.roles <@ NEW.roles))
    EXECUTE FUNCTION authlevels_support_ends();
CREATE TRIGGER support_ends_with_person AFTER UPDATE OF is_active, sessions_from ON authlevels_user
    FOR EACH ROW WHEN (OLD.realm IS NULL
        AND (OLD.is_active AND NOT NEW.is_active OR OLD.sessions_from IS DISTINCT FROM NEW.sessions_from))
    EXECUTE FUNCTION authlevels_support_ends();
CREATE TRIGGER support_ends_with_role AFTER UPDATE OF privileges ON licensing_role
    FOR EACH ROW WHEN (OLD.tenant_id = {_VENDOR}
        AND '{_PRIVILEGE}' = ANY (OLD.privileges) AND NOT '{_PRIVILEGE}' = ANY (NEW.privileges))
    EXECUTE FUNCTION authlevels_support_ends();
CREATE TRIGGER support_ends_without_role AFTER DELETE ON licensing_role
    FOR EACH ROW WHEN (OLD.tenant_id = {_VENDOR} AND '{_PRIVILEGE}' = ANY (OLD.privileges))
    EXECUTE FUNCTION authlevels_support_ends();
CREATE TRIGGER support_ends_with_default AFTER UPDATE OF privileges ON licensing_role_default
    FOR EACH ROW WHEN ('{_PRIVILEGE}' = ANY (OLD.privileges) AND NOT '{_PRIVILEGE}' = ANY (NEW.privileges))
    EXECUTE FUNCTION authlevels_support_ends();
CREATE TRIGGER support_ends_without_default AFTER DELETE ON licensing_role_default
    FOR EACH ROW WHEN ('{_PRIVILEGE}' = ANY (OLD.privileges)) EXECUTE FUNCTION authlevels_support_ends();
"""  # noqa: S608 - as above
_NO_LONGER: Final = """
DROP TRIGGER support_ends_with_session ON authlevels_session;
DROP TRIGGER support_ends_with_row ON authlevels_session;
DROP TRIGGER support_ends_with_member ON licensing_member;
DROP TRIGGER support_ends_meanwhile ON licensing_member;
DROP TRIGGER support_ends_with_person ON authlevels_user;
DROP TRIGGER support_ends_with_role ON licensing_role;
DROP TRIGGER support_ends_without_role ON licensing_role;
DROP TRIGGER support_ends_with_default ON licensing_role_default;
DROP TRIGGER support_ends_without_default ON licensing_role_default;
DROP FUNCTION authlevels_support_ends();
"""
# Nobody knows whose session those of before rest on.
_OF_BEFORE: Final = """
UPDATE authlevels_session SET revoked_at = clock_timestamp() WHERE kind = 'impersonated' AND revoked_at IS NULL
"""


class Migration(migrations.Migration):
    """A column and triggers; what the release before this one would begin meanwhile is refused."""

    dependencies = [("authlevels", "0020_device_codes"), ("licensing", "0010_batches")]
    operations = [
        migrations.AddField(
            model_name="sessionrow",
            name="impersonator_session",
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.RunSQL(_OF_BEFORE, migrations.RunSQL.noop),
        migrations.RunSQL(
            _BEGINS,
            "DROP TRIGGER support_begins ON authlevels_session; DROP FUNCTION authlevels_support_begins()",
        ),
        migrations.RunSQL(_ENDS, _NO_LONGER),
    ]
