"""What a decision reads of a session, in one call: the session, its person's factors, its elevations and proofs."""

from django.db import migrations

# Rows, not conclusions: what counts is said in one place, by authlevels.session_facts. A password's hash stays here.
_SESSION_FACTS = """
CREATE FUNCTION authlevels_session_facts(tenant uuid, session uuid, a_type text, an_id text, at timestamptz)
RETURNS text LANGUAGE plpgsql VOLATILE AS $fn$
BEGIN
    RETURN (
        SELECT json_build_object(
            'user_id', u.id,
            'is_active', u.is_active,
            'has_password', u.password IS NULL OR left(u.password, 1) <> '!',
            'kind', s.kind,
            'issuer', s.issuer,
            'expires_at', s.expires_at,
            'revoked_at', s.revoked_at,
            'last_seen_at', s.last_seen_at,
            'aal2_since', s.aal2_since,
            'aal3_since', s.aal3_since,
            'totp', (
                SELECT coalesce(json_agg(d.handle ORDER BY d.id), '[]')
                FROM authlevels_totpdevice d
                WHERE d.user_id = u.id AND d.confirmed AND d.disabled_at IS NULL
            ),
            'elevations', (
                SELECT coalesce(json_agg(json_build_object(
                    'id', e.id, 'scope', e.scope, 'action', e.action,
                    'resource_type', e.resource_type, 'resource_id', e.resource_id, 'binding', e.binding,
                    'expires_at', e.expires_at, 'used_at', e.used_at, 'used_by', e.used_by
                )), '[]')
                FROM authlevels_elevation e
                WHERE e.tenant_id = tenant AND e.session_id = s.id
                  AND e.awaits_digest IS NULL AND e.ended_at IS NULL AND e.expires_at > at
            ),
            'proofs', (
                SELECT coalesce(json_agg(json_build_object(
                    'challenge_id', p.challenge_id, 'elevation_id', p.elevation_id, 'method', p.method, 'at', p.at,
                    'issuer', p.issuer, 'authenticator', p.authenticator, 'factor_kind', p.factor_kind,
                    'phishing_resistant', p.phishing_resistant, 'user_verified', p.user_verified,
                    'device_bound', p.device_bound
                )), '[]')
                FROM authlevels_proof p
                WHERE p.tenant_id = tenant AND p.session_id = s.id
            )
        )
        FROM authlevels_session s JOIN authlevels_user u ON u.id = s.user_id
        WHERE s.tenant_id = tenant AND s.id = session AND s.subject_type = a_type AND s.subject_id = an_id
    );
END
$fn$
"""


class Migration(migrations.Migration):
    """A function that the release before this one does not call."""

    dependencies = [("authlevels", "0003_redemption"), ("isolation", "0002_serve")]
    operations = [
        migrations.RunSQL(_SESSION_FACTS, "DROP FUNCTION authlevels_session_facts(uuid, uuid, text, text, timestamptz)")
    ]
