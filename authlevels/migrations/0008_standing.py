"""What may be remembered of sessions: one counter for each tenant tells whether anything was taken back since."""

from typing import Final

from django.db import migrations, models
from django.db.migrations.operations.base import Operation

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

# People of our own sign-in may have sessions in any tenant.
_TOLD: Final = """
    SELECT coalesce({realm}, 'ffffffff-ffff-ffff-ffff-ffffffffffff') AS scope,
        r.id, to_jsonb(r) - '{{{unheeded}}}'::text[] AS said
    FROM {rows} r WHERE {counts}
"""
_TAKEN_BACK: Final = """
CREATE FUNCTION {table}_standing() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $fn$
DECLARE
    changed uuid;
BEGIN
    IF TG_OP = 'INSERT' THEN
        FOR changed IN SELECT DISTINCT scope FROM ({after}) a ORDER BY scope LOOP
            PERFORM authlevels_raise_standing(changed);
        END LOOP;
    ELSIF TG_OP = 'DELETE' THEN
        FOR changed IN SELECT DISTINCT scope FROM ({before}) b ORDER BY scope LOOP
            PERFORM authlevels_raise_standing(changed);
        END LOOP;
    ELSE
        FOR changed IN
            WITH b AS ({before}), a AS ({after})
            SELECT DISTINCT scope FROM (
                (TABLE b EXCEPT TABLE a) UNION ALL (TABLE a EXCEPT TABLE b)
            ) differing ORDER BY scope
        LOOP
            PERFORM authlevels_raise_standing(changed);
        END LOOP;
    END IF;
    RETURN NULL;
END
$fn$;
REVOKE ALL ON FUNCTION {table}_standing() FROM PUBLIC;
"""
_ROWS: Final = {
    "INSERT": "NEW TABLE AS new_rows",
    "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "OLD TABLE AS old_rows",
}


def heed(
    table: str, *, realm: str, events: tuple[str, ...], unheeded: tuple[str, ...] = (), counts: str = "true"
) -> list[Operation]:
    """Raise the standing of whom a statement took something back from.

    realm: the tenant that a row ``r`` is of; NULL for the own sign-in.
    unheeded: columns that nothing remembered rests on; one that is added later counts.
    counts: of which rows ``r`` anything is remembered.
    """
    before, after = (
        _TOLD.format(realm=realm, unheeded=",".join(unheeded), rows=rows, counts=counts).strip()
        for rows in ("old_rows", "new_rows")
    )
    return [
        RunSQL(_TAKEN_BACK.format(table=table, before=before, after=after), f"DROP FUNCTION {table}_standing()"),
        *(
            RunSQL(
                f"CREATE TRIGGER standing_{event.lower()} AFTER {event} ON {table} REFERENCING {_ROWS[event]}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION {table}_standing()",
                f"DROP TRIGGER standing_{event.lower()} ON {table}",
            )
            for event in events
        ),
    ]


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
