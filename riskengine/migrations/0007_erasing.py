"""People who were erased stay so: whatever is on its way tells of a time before, and is refused by the database itself."""

import uuid
from importlib import import_module
from typing import Final

import django.db.models.deletion
from django.db import migrations, models

from isolation.migrations_ops import isolate

_KNOWN_BEFORE: Final = import_module("riskengine.migrations.0002_known")._KNOWN  # noqa: SLF001 - as it was

# One name for a person in locks and in what is kept of an erasure; it can be checked by who has the name, and not read.
_DIGEST: Final = """
CREATE FUNCTION riskengine_person(tenant uuid, a_type text, an_id text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $fn$
    SELECT sha256(convert_to(tenant::text || chr(31) || a_type || chr(31) || an_id, 'UTF8'))
$fn$
"""
# Who erases waits for those who write of the person, and they for whoever erases: so that what they wrote is found, or refused.
_HOLD: Final = """
CREATE FUNCTION riskengine_hold(tenant uuid, a_type text, an_id text) RETURNS void LANGUAGE plpgsql VOLATILE AS $fn$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(encode(riskengine_person(tenant, a_type, an_id), 'hex'), 7));
END
$fn$
"""
_HOLD_SHARED: Final = """
CREATE FUNCTION riskengine_hold_shared(tenant uuid, a_type text, an_id text) RETURNS void LANGUAGE plpgsql VOLATILE AS $fn$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(encode(riskengine_person(tenant, a_type, an_id), 'hex'), 7));
END
$fn$
"""
_IS_ERASED: Final = """
CREATE FUNCTION riskengine_is_erased(tenant uuid, a_type text, an_id text, at timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $fn$
BEGIN
    PERFORM riskengine_hold_shared(tenant, a_type, an_id);
    RETURN EXISTS (
        SELECT FROM riskengine_erasure e
        WHERE e.tenant_id = tenant AND e.digest = riskengine_person(tenant, a_type, an_id) AND e.erased_at >= riskengine_is_erased.at
    );
END
$fn$
"""
_SIGNAL: Final = """
CREATE FUNCTION riskengine_signal_taken() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF riskengine_is_erased(NEW.tenant_id, NEW.subject_type, NEW.subject_id, NEW.at) THEN
        RETURN NULL;
    END IF;
    IF NEW.trust > 0 AND NEW.session_id IS NOT NULL AND EXISTS (
        SELECT FROM riskengine_signal s
        WHERE s.tenant_id = NEW.tenant_id AND s.session_id = NEW.session_id AND s.kind = 'confirmed_not_mine'
    ) THEN
        NEW.trust := 0;
    END IF;
    RETURN NEW;
END
$body$;
CREATE TRIGGER taken BEFORE INSERT ON riskengine_signal FOR EACH ROW EXECUTE FUNCTION riskengine_signal_taken();
"""
_NO_SIGNAL: Final = "DROP TRIGGER taken ON riskengine_signal; DROP FUNCTION riskengine_signal_taken()"
_SESSION: Final = """
CREATE FUNCTION riskengine_session_taken() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF riskengine_is_erased(NEW.tenant_id, NEW.subject_type, NEW.subject_id, NEW.noted_at) THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END
$body$;
CREATE TRIGGER taken BEFORE INSERT ON riskengine_session FOR EACH ROW EXECUTE FUNCTION riskengine_session_taken();
"""
_NO_SESSION: Final = "DROP TRIGGER taken ON riskengine_session; DROP FUNCTION riskengine_session_taken()"
# As 0003's, and told when that was: what is on its way is known by it from what comes afterwards.
_NOTED: Final = """
CREATE FUNCTION riskengine_noted_at(
    tenant uuid, session uuid, a_type text, an_id text, a_look text, a_band text, since timestamptz, most integer,
    at timestamptz
) RETURNS text LANGUAGE plpgsql VOLATILE AS $fn$
DECLARE
    ranks constant text[] := ARRAY['unknown', 'low', 'medium', 'high', 'critical'];
    noted riskengine_session;
BEGIN
    INSERT INTO riskengine_session (id, tenant_id, session_id, subject_type, subject_id, band, raised_at, looks, version, noted_at)
    VALUES (gen_random_uuid(), tenant, session, a_type, an_id, a_band, since, jsonb_build_object(a_look, a_band), 1, riskengine_noted_at.at)
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
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    RETURN json_build_object(
        'band', noted.band, 'raised_at', noted.raised_at, 'looks', noted.looks, 'version', noted.version
    );
END
$fn$
"""
_UNNOTED: Final = (
    "DROP FUNCTION riskengine_noted_at(uuid, uuid, text, text, text, text, timestamptz, integer, timestamptz)"
)
# Of somebody who was erased there is a version too: whoever publishes an older profile late is too late.
_FLOOR: Final = """coalesce((
                SELECT p.version FROM riskengine_profile p
                WHERE p.tenant_id = tenant AND p.subject_type = a_type AND p.subject_id = an_id
            ), (
                SELECT max(e.version) FROM riskengine_erasure e
                WHERE e.tenant_id = tenant AND e.digest = riskengine_person(tenant, a_type, an_id)
            ), 0)"""
_NO_FLOOR: Final = """coalesce((
                SELECT p.version FROM riskengine_profile p
                WHERE p.tenant_id = tenant AND p.subject_type = a_type AND p.subject_id = an_id
            ), 0)"""
_REPLACED: Final = _KNOWN_BEFORE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
_KNOWN: Final = _REPLACED.replace(_NO_FLOOR, _FLOOR)


class Migration(migrations.Migration):
    """A table and functions that the release before this one does not know."""

    dependencies = [("licensing", "0023_first_of_a_period"), ("riskengine", "0006_sessions_go")]
    operations = [
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("digest", models.BinaryField()),
                ("erased_at", models.DateTimeField()),
                ("version", models.BigIntegerField(default=0)),
                ("clearing", models.JSONField(null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licensing.tenant",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["tenant", "digest"], name="riskengine_erasure_person"),
                    models.Index(fields=["erased_at"], name="riskengine_erasure_at"),
                    models.Index(
                        condition=models.Q(("clearing__isnull", False)),
                        fields=["erased_at"],
                        name="riskengine_erasure_clearing",
                    ),
                ],
            },
        ),
        *isolate("riskengine_erasure"),
        migrations.RunSQL(_DIGEST, "DROP FUNCTION riskengine_person(uuid, text, text)"),
        migrations.RunSQL(_HOLD, "DROP FUNCTION riskengine_hold(uuid, text, text)"),
        migrations.RunSQL(_HOLD_SHARED, "DROP FUNCTION riskengine_hold_shared(uuid, text, text)"),
        migrations.RunSQL(_IS_ERASED, "DROP FUNCTION riskengine_is_erased(uuid, text, text, timestamptz)"),
        migrations.RunSQL(_SIGNAL, _NO_SIGNAL),
        migrations.RunSQL(_SESSION, _NO_SESSION),
        migrations.RunSQL(_NOTED, _UNNOTED),
        migrations.RunSQL(_KNOWN, _REPLACED),
    ]
