"""What an assessment reads of one person, and notes of one session: each in one statement."""

from django.db import migrations

# Whoever folds is a moment late, so that what is not folded yet is read beside the profile.
# The newest signals alone: an answer must not grow with how long nobody has folded, or with how much somebody guesses.
_KNOWN = """
CREATE FUNCTION riskengine_known(
    tenant uuid, a_type text, an_id text, a_network text, a_session uuid, at timestamptz,
    person_half_life double precision, network_half_life double precision, most integer
) RETURNS text LANGUAGE plpgsql VOLATILE AS $fn$
BEGIN
    RETURN (
        SELECT json_build_object(
            'state', (
                SELECT encode(p.state, 'base64') FROM riskengine_profile p
                WHERE p.tenant_id = tenant AND p.subject_type = a_type AND p.subject_id = an_id
            ),
            'version', coalesce((
                SELECT p.version FROM riskengine_profile p
                WHERE p.tenant_id = tenant AND p.subject_type = a_type AND p.subject_id = an_id
            ), 0),
            'taught', (
                SELECT coalesce(json_agg(json_build_object('id', u.id, 'at', u.at, 'trust', u.trust, 'seen', u.seen)), '[]')
                FROM (
                    SELECT s.id, s.at, s.trust, s.seen FROM riskengine_signal s
                    WHERE s.tenant_id = tenant AND s.subject_type = a_type AND s.subject_id = an_id
                      AND s.folded_at IS NULL AND s.trust > 0
                    ORDER BY s.at DESC LIMIT most
                ) u
            ),
            'person', (
                SELECT coalesce(sum(power(0.5, least(60, greatest(0, extract(epoch FROM known.at - f.at) / person_half_life)))), 0)
                FROM (
                    SELECT s.at FROM riskengine_signal s
                    WHERE s.tenant_id = tenant AND s.subject_type = a_type AND s.subject_id = an_id
                      AND s.at > known.at - make_interval(secs => 4 * person_half_life)
                      AND s.kind IN ('sign_in_failed', 'step_up_failed', 'confirmed_not_mine')
                    ORDER BY s.at DESC LIMIT 1000
                ) f
            ),
            'network', (
                SELECT coalesce(sum(power(0.5, least(60, greatest(0, extract(epoch FROM known.at - f.at) / network_half_life)))), 0)
                FROM (
                    SELECT s.at FROM riskengine_signal s
                    WHERE s.tenant_id = tenant AND s.network = a_network AND a_network <> ''
                      AND s.at > known.at - make_interval(secs => 4 * network_half_life)
                      AND s.kind IN ('sign_in_failed', 'step_up_failed')
                    ORDER BY s.at DESC LIMIT 1000
                ) f
            ),
            'people', (
                SELECT coalesce(json_agg(json_build_array(f.subject_type, f.subject_id, f.newest)), '[]')
                FROM (
                    SELECT s.subject_type, s.subject_id, max(s.at) AS newest
                    FROM (
                        SELECT * FROM riskengine_signal s
                        WHERE s.tenant_id = tenant AND s.network = a_network AND a_network <> ''
                          AND s.at > known.at - make_interval(secs => network_half_life)
                          AND s.kind IN ('sign_in_failed', 'step_up_failed')
                        ORDER BY s.at DESC LIMIT 1000
                    ) s
                    GROUP BY s.subject_type, s.subject_id ORDER BY newest DESC LIMIT most
                ) f
            ),
            'session', (
                SELECT json_build_object('band', r.band, 'raised_at', r.raised_at, 'looks', r.looks, 'version', r.version)
                FROM riskengine_session r WHERE r.tenant_id = tenant AND r.session_id = a_session
            )
        )
        FROM (SELECT riskengine_known.at AS at) known
    );
END
$fn$
"""
_UNKNOWN = """
DROP FUNCTION riskengine_known(
    uuid, text, text, text, uuid, timestamptz, double precision, double precision, integer
)
"""

# By whom something is usual: the tenant's own counts, and which of the platform's are the newest.
_USUAL = """
CREATE FUNCTION riskengine_usual(tenant uuid) RETURNS text LANGUAGE plpgsql VOLATILE AS $fn$
BEGIN
    RETURN (
        SELECT json_build_object(
            'people', (SELECT encode(p.state, 'base64') FROM riskengine_population p WHERE p.tenant_id = tenant),
            'cutoffs', (
                SELECT json_build_object('medium', c.medium, 'high', c.high, 'critical', c.critical, 'samples', c.samples)
                FROM riskengine_cutoffs c WHERE c.tenant_id = tenant
            ),
            'platform_cutoffs', (
                SELECT json_build_object('medium', c.medium, 'high', c.high, 'critical', c.critical, 'samples', c.samples)
                FROM riskengine_platform_cutoffs c
            ),
            'platform_counted_at', (SELECT p.counted_at FROM riskengine_platform_population p)
        )
    );
END
$fn$
"""


class Migration(migrations.Migration):
    """Functions that the release before this one does not call."""

    dependencies = [("riskengine", "0001_tables")]
    operations = [
        migrations.RunSQL(_KNOWN, _UNKNOWN),
        migrations.RunSQL(_USUAL, "DROP FUNCTION riskengine_usual(uuid)"),
    ]
