"""What authenticators are asked, and what of an enrolled passkey may never change."""

import uuid
from typing import Final

from django.db import migrations, models

from isolation.migrations_ops import composite_fk, isolate

_KEEP_PASSKEY: Final = """
CREATE FUNCTION authlevels_keep_passkey() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF (NEW.user_id, NEW.handle, NEW.credential_id, NEW.public_key, NEW.aaguid, NEW.is_sync_capable,
            NEW.is_attested, NEW.attested_by, NEW.can_verify_user)
        IS DISTINCT FROM (OLD.user_id, OLD.handle, OLD.credential_id, OLD.public_key, OLD.aaguid, OLD.is_sync_capable,
            OLD.is_attested, OLD.attested_by, OLD.can_verify_user)
        OR NEW.sign_count < OLD.sign_count
        OR (OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS NULL) THEN
        RAISE EXCEPTION 'a passkey stays what it was when it was enrolled, and its count only grows'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$body$;
CREATE TRIGGER keep_passkey BEFORE UPDATE ON authlevels_passkey
    FOR EACH ROW EXECUTE FUNCTION authlevels_keep_passkey();
"""


class Migration(migrations.Migration):
    """Ceremonies."""

    dependencies = [("authlevels", "0011_end_with_membership")]

    operations = [
        migrations.CreateModel(
            name="Ceremony",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField(editable=False)),
                ("session_id", models.UUIDField(editable=False)),
                ("challenge_id", models.UUIDField(editable=False, null=True)),
                (
                    "purpose",
                    models.CharField(
                        choices=[("enrol", "Enrol"), ("step_up", "Step Up")], editable=False, max_length=16
                    ),
                ),
                ("nonce", models.BinaryField()),
                ("created_at", models.DateTimeField(editable=False)),
                ("expires_at", models.DateTimeField(editable=False)),
                ("used_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "authlevels_ceremony",
                "indexes": [models.Index(fields=["tenant_id", "session_id"], name="ceremony_by_session")],
                "constraints": [
                    models.UniqueConstraint(fields=["tenant_id", "id"], name="ceremony_tenant_id"),
                    models.UniqueConstraint(fields=["tenant_id", "nonce"], name="ceremony_nonce_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("challenge_id__isnull", True), ("purpose", "enrol")),
                            models.Q(("challenge_id__isnull", False), ("purpose", "step_up")),
                            _connector="OR",
                        ),
                        name="ceremony_of_its_purpose",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("created_at"))),
                        name="ceremony_ends_after_start",
                    ),
                ],
            },
        ),
        *isolate("authlevels_ceremony"),
        *composite_fk("authlevels_ceremony", "session_id", "authlevels_session"),
        *composite_fk("authlevels_ceremony", "challenge_id", "authlevels_challenge"),
        migrations.RunSQL(
            "CREATE TRIGGER keep_end BEFORE UPDATE ON authlevels_ceremony"
            " FOR EACH ROW EXECUTE FUNCTION authlevels_keep_end('used_at')",
            "DROP TRIGGER keep_end ON authlevels_ceremony",
        ),
        migrations.RunSQL(
            _KEEP_PASSKEY,
            "DROP TRIGGER keep_passkey ON authlevels_passkey; DROP FUNCTION authlevels_keep_passkey();",
        ),
    ]
