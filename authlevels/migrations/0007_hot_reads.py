"""What every decision asks of credentials, and writes of a session's use, each in one call."""

from django.db import migrations

# A secret as its digests under every key of the ring, in hexadecimal digits with commas between.
_CREDENTIAL = """
CREATE FUNCTION authlevels_credential_facts(tenant uuid, digests text, at timestamptz)
RETURNS text LANGUAGE plpgsql VOLATILE AS $fn$
DECLARE
    wanted bytea[] := ARRAY(SELECT decode(one, 'hex') FROM unnest(string_to_array(digests, ',')) AS one);
BEGIN
    RETURN (
        SELECT json_build_object(
            'id', c.id, 'name', c.name, 'verbs', c.verbs, 'max_level', c.max_level,
            'return_to_origins', c.return_to_origins, 'answer_style', c.answer_style,
            'expires_at', c.expires_at, 'previous_until', c.previous_until,
            'secret_digest', encode(c.secret_digest, 'hex'), 'digest_key', c.digest_key
        )
        FROM authlevels_service_credential c
        WHERE c.tenant_id = tenant AND c.revoked_at IS NULL
          AND (c.secret_digest = ANY (wanted) OR (c.previous_digest = ANY (wanted) AND c.previous_until > at))
        LIMIT 1
    );
END
$fn$
"""

# Only where nobody else wrote a use meanwhile: theirs then measured the same pause. What a crash of the server takes
# back ends a level early, never late, so that nobody waits for the disk; but for a use that ends a level, which raises
# the tenant's standing: a number that was seen and then lost would be given out again, for something else.
_NOTE_USE = """
CREATE FUNCTION authlevels_note_use(
    tenant uuid, session uuid, was timestamptz, seen timestamptz, aal2 timestamptz, aal3 timestamptz
) RETURNS text LANGUAGE plpgsql VOLATILE AS $fn$
BEGIN
    UPDATE authlevels_session s SET last_seen_at = seen, aal2_since = aal2, aal3_since = aal3
    WHERE s.tenant_id = tenant AND s.id = session AND s.last_seen_at = was;
    IF FOUND AND aal2 IS DISTINCT FROM seen AND aal3 IS DISTINCT FROM seen THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    RETURN FOUND::text;
END
$fn$
"""


class Migration(migrations.Migration):
    """Functions that the release before this one does not call."""

    dependencies = [("authlevels", "0006_people_of_the_realm")]
    operations = [
        migrations.RunSQL(_CREDENTIAL, "DROP FUNCTION authlevels_credential_facts(uuid, text, timestamptz)"),
        migrations.RunSQL(
            _NOTE_USE,
            "DROP FUNCTION authlevels_note_use(uuid, uuid, timestamptz, timestamptz, timestamptz, timestamptz)",
        ),
    ]
