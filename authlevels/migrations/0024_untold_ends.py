"""What the database ends by itself waits to be told of: the trail's entries are written by code alone."""

import uuid
from importlib import import_module
from typing import Final

from django.db import migrations, models

from isolation.migrations_ops import composite_fk, isolate

_MEMBERSHIP: Final = import_module("authlevels.migrations.0011_end_with_membership")
_SUPPORT: Final = import_module("authlevels.migrations.0021_support_ends")
_VENDOR: Final = _SUPPORT._VENDOR  # noqa: SLF001 - as it was

# Of what was used up, or never counted, nothing is left to end.
_END: Final = """
CREATE OR REPLACE FUNCTION authlevels_end_with_membership() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    WITH ended AS (
        UPDATE authlevels_elevation e SET ended_at = clock_timestamp()
        FROM authlevels_session s
        WHERE s.tenant_id = OLD.tenant_id AND s.subject_type = OLD.subject_type AND s.subject_id = OLD.subject_id
          AND e.tenant_id = s.tenant_id AND e.session_id = s.id AND e.ended_at IS NULL
        RETURNING e.*
    )
    INSERT INTO authlevels_untold_end (id, tenant_id, elevation_id, why, ended_at)
    SELECT gen_random_uuid(), tenant_id, id, 'membership_ended', ended_at FROM ended
    WHERE used_at IS NULL AND awaits_digest IS NULL AND expires_at > ended_at;
    UPDATE authlevels_challenge c SET closed_at = clock_timestamp()
    WHERE c.tenant_id = OLD.tenant_id AND c.subject_type = OLD.subject_type AND c.subject_id = OLD.subject_id
      AND c.closed_at IS NULL;
    RETURN NULL;
END
$body$;
"""
_SUPPORT_ENDS: Final = f"""
CREATE OR REPLACE FUNCTION authlevels_support_ends() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $fn$
DECLARE
    one uuid;
    who text;
    role text;
    because text;
BEGIN
    IF TG_TABLE_NAME = 'authlevels_session' THEN
        one := OLD.id;
        because := 'support_session_ended';
    ELSIF TG_TABLE_NAME = 'licensing_member' THEN
        who := concat(OLD.subject_type, ':', OLD.subject_id);
        because := 'support_membership_changed';
    ELSIF TG_TABLE_NAME = 'authlevels_user' THEN
        who := concat(OLD.subject_type, ':', OLD.subject_id);
        because := 'support_account_changed';
    ELSE
        role := OLD.key;
        because := 'support_role_changed';
    END IF;
    WITH ended AS (
        UPDATE authlevels_session s SET revoked_at = clock_timestamp()
        WHERE s.kind = 'impersonated' AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp() - interval '1 hour'
            AND (one IS NULL OR s.impersonator_session = one) AND (who IS NULL OR s.impersonator = who)
            AND (role IS NULL OR EXISTS (
                SELECT FROM licensing_member m
                WHERE m.tenant_id = {_VENDOR} AND concat(m.subject_type, ':', m.subject_id) = s.impersonator
                    AND role = ANY (m.roles)
            ))
        RETURNING s.*
    )
    INSERT INTO authlevels_untold_end (id, tenant_id, session_id, why, ended_at)
    SELECT gen_random_uuid(), tenant_id, id, because, revoked_at FROM ended WHERE expires_at > revoked_at;
    RETURN NULL;
END
$fn$;
"""  # noqa: S608 - the names are the migrations' own


def _before(text: str, until: str) -> str:
    return text.split(until, maxsplit=1)[0].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


class Migration(migrations.Migration):
    """A table that triggers write, and that the release before this one leaves alone."""

    dependencies = [("authlevels", "0023_suspended_browser")]
    operations = [
        migrations.CreateModel(
            name="UntoldEnd",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField(editable=False)),
                ("session_id", models.UUIDField(editable=False, null=True)),
                ("elevation_id", models.UUIDField(editable=False, null=True)),
                ("why", models.CharField(editable=False, max_length=32)),
                ("ended_at", models.DateTimeField(editable=False)),
            ],
            options={
                "db_table": "authlevels_untold_end",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "id"), name="untold_end_tenant_id"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("session_id__isnull", True), ("elevation_id__isnull", True), _connector="XOR"
                        ),
                        name="untold_end_of_one_thing",
                    ),
                ],
            },
        ),
        *isolate("authlevels_untold_end"),
        *composite_fk("authlevels_untold_end", "session_id", "authlevels_session", on_delete="CASCADE"),
        *composite_fk("authlevels_untold_end", "elevation_id", "authlevels_elevation", on_delete="CASCADE"),
        migrations.RunSQL(_END, _before(_MEMBERSHIP._END, "CREATE TRIGGER")),  # noqa: SLF001 - as it was
        migrations.RunSQL(_SUPPORT_ENDS, _before(_SUPPORT._ENDS, "REVOKE ALL")),  # noqa: SLF001 - as it was
    ]
