"""A token may rest on what others agreed that a service may do, instead of a session's elevation."""

from django.db import migrations, models

from isolation.migrations_ops import composite_fk

_WITHIN = """
CREATE OR REPLACE FUNCTION authlevels_token_within() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NEW.approval_id IS NOT NULL THEN
        IF NOT EXISTS (
            SELECT FROM authlevels_approval a
            WHERE a.tenant_id = NEW.tenant_id AND a.id = NEW.approval_id
              AND a.expires_at >= NEW.expires_at AND a.refused_at IS NULL
        ) THEN
            RAISE EXCEPTION 'a token rests on a live approval, and does not outlast it' USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NOT EXISTS (
        SELECT FROM authlevels_elevation e
        WHERE e.tenant_id = NEW.tenant_id AND e.id = NEW.elevation_id AND e.session_id = NEW.session_id
          AND e.expires_at >= NEW.expires_at AND e.ended_at IS NULL AND e.awaits_digest IS NULL
    ) THEN
        RAISE EXCEPTION 'a token rests on a live elevation of its session, and does not outlast it'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$body$;
DROP TRIGGER within ON authlevels_token;
CREATE TRIGGER within BEFORE INSERT OR UPDATE OF elevation_id, session_id, approval_id, expires_at ON authlevels_token
    FOR EACH ROW EXECUTE FUNCTION authlevels_token_within();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("authlevels", "0018_impersonation"),
    ]

    operations = [
        migrations.AddField(
            model_name="token",
            name="approval_id",
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.AlterField(
            model_name="token",
            name="elevation_id",
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.AlterField(
            model_name="token",
            name="session_id",
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.AddConstraint(
            model_name="token",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("approval_id__isnull", True), ("elevation_id__isnull", False), ("session_id__isnull", False)
                    ),
                    models.Q(
                        ("approval_id__isnull", False), ("elevation_id__isnull", True), ("session_id__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="token_rests_on_one_thing",
            ),
        ),
        *composite_fk("authlevels_token", "approval_id", "authlevels_approval"),
        migrations.RunSQL(_WITHIN, migrations.RunSQL.noop),
    ]
