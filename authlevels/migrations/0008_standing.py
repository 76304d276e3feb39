"""What may be remembered of sessions: one counter for each tenant tells whether anything was taken back since."""

from typing import Final

from django.db import migrations, models

from authlevels.heeding import heed
from isolation.migrations_ops import share

RunSQL = migrations.RunSQL

# As the owner: the roles that serve requests may read the counters and never set them.
# From a sequence: a number that was rolled back, or stood in rows that are gone, never comes again with other content.
_RAISE: Final = """
CREATE SEQUENCE authlevels_standing_seq;

CREATE FUNCTION authlevels_raise_standing(changed uuid) RETURNS void LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $fn$
    INSERT INTO authlevels_standing (scope, number) VALUES (changed, nextval('authlevels_standing_seq'))
    ON CONFLICT (scope) DO UPDATE SET number = nextval('authlevels_standing_seq')
$fn$;
REVOKE ALL ON FUNCTION authlevels_raise_standing(uuid) FROM PUBLIC;
"""
# There from the beginning, so that whoever numbers everything anew makes every tenant's standing another one.
_FIRST: Final = "INSERT INTO authlevels_standing (scope, number) VALUES ('ffffffff-ffff-ffff-ffff-ffffffffffff', 0)"
_UNRAISE: Final = "DROP FUNCTION authlevels_raise_standing(uuid); DROP SEQUENCE authlevels_standing_seq"

# One statement, so one instant: the counters and the rows are of the same state, whatever commits meanwhile.
_SESSION_STATE: Final = """
CREATE FUNCTION authlevels_session_state(tenant uuid, session uuid, a_type text, an_id text, at timestamptz)
RETURNS text LANGUAGE plpgsql VOLATILE AS $fn$
BEGIN
    RETURN (
        SELECT json_build_object('standing', concat(
            coalesce((SELECT number FROM authlevels_standing WHERE scope = 'ffffffff-ffff-ffff-ffff-ffffffffffff'), 0),
            '.', coalesce((SELECT number FROM authlevels_standing WHERE scope = tenant), 0)
        ), 'session', (
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
        ))
    );
END
$fn$
"""


class Migration(migrations.Migration):
    """A table, triggers that write it, and a function that the release before this one does not call."""

    dependencies = [("authlevels", "0007_hot_reads"), ("isolation", "0001_roles_and_guards")]
    operations = [
        migrations.CreateModel(
            name="Standing",
            fields=[
                ("scope", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("number", models.BigIntegerField(default=0, editable=False)),
            ],
            options={"db_table": "authlevels_standing"},
        ),
        *share("authlevels_standing", writable=False),
        RunSQL(_FIRST, RunSQL.noop),
        RunSQL(_RAISE, _UNRAISE),
        *heed(
            "authlevels_session",
            realm="r.tenant_id",
            events=("UPDATE", "DELETE"),
            unheeded=("last_seen_at", "secret_digest", "digest_key"),
        ),
        # Of a challenge's proofs nothing is remembered; the others come with their session.
        *heed("authlevels_proof", realm="r.tenant_id", events=("UPDATE", "DELETE"), counts="r.challenge_id IS NULL"),
        *heed("authlevels_user", realm="r.realm", events=("UPDATE", "DELETE")),
        # A factor more may ask for more: what needs the highest level that a person can reach needs another one then.
        *heed(
            "authlevels_totpdevice",
            realm="(SELECT u.realm FROM authlevels_user u WHERE u.id = r.user_id)",
            events=("INSERT", "UPDATE", "DELETE"),
            unheeded=("last_step", "throttling_failure_count", "throttling_failure_timestamp"),
            counts="r.confirmed AND r.disabled_at IS NULL",
        ),
        RunSQL(_SESSION_STATE, "DROP FUNCTION authlevels_session_state(uuid, uuid, text, text, timestamptz)"),
    ]
