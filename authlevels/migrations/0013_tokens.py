"""Tokens taken out of elevations, the keys that sign them, and for whom a credential may ask about them."""

import uuid

import django.contrib.postgres.fields
import django.db.models.expressions
from django.db import migrations, models

from isolation.migrations_ops import composite_fk, isolate, share

_WITHIN = """
CREATE FUNCTION authlevels_token_within() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NOT EXISTS (
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
CREATE TRIGGER within BEFORE INSERT OR UPDATE OF elevation_id, session_id, expires_at ON authlevels_token
    FOR EACH ROW EXECUTE FUNCTION authlevels_token_within();
CREATE TRIGGER keep_end BEFORE UPDATE ON authlevels_token
    FOR EACH ROW EXECUTE FUNCTION authlevels_keep_end('dropped_at');
CREATE TRIGGER keep_end BEFORE UPDATE ON authlevels_signing_key
    FOR EACH ROW EXECUTE FUNCTION authlevels_keep_end('revoked_at');
"""
_WITHOUT = """
DROP TRIGGER keep_end ON authlevels_signing_key;
DROP TRIGGER keep_end ON authlevels_token;
DROP TRIGGER within ON authlevels_token;
DROP FUNCTION authlevels_token_within();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("authlevels", "0012_ceremonies"),
    ]

    operations = [
        migrations.AddField(
            model_name="servicecredential",
            name="audiences",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=255), blank=True, db_default=[], default=list
            ),
        ),
        migrations.CreateModel(
            name="SigningKey",
            fields=[
                ("kid", models.CharField(editable=False, max_length=64, primary_key=True, serialize=False)),
                ("public_jwk", models.JSONField(editable=False)),
                ("private_sealed", models.BinaryField(null=True)),
                ("created_at", models.DateTimeField(editable=False)),
                ("signs_from", models.DateTimeField(editable=False)),
                ("revoked_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "authlevels_signing_key",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("revoked_at__isnull", True), ("private_sealed__isnull", True), _connector="OR"
                        ),
                        name="signing_key_revoked_is_gone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("signs_from__gte", models.F("created_at"))),
                        name="signing_key_signs_once_made",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Token",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField(editable=False)),
                ("session_id", models.UUIDField(editable=False)),
                ("elevation_id", models.UUIDField(editable=False)),
                ("audience", models.CharField(editable=False, max_length=255)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100), editable=False
                    ),
                ),
                ("kid", models.CharField(editable=False, max_length=64)),
                ("claim", models.CharField(blank=True, default="", editable=False, max_length=64)),
                ("issued_to", models.CharField(editable=False, max_length=320)),
                ("issued_at", models.DateTimeField(editable=False)),
                ("expires_at", models.DateTimeField(editable=False)),
                ("dropped_at", models.DateTimeField(null=True)),
                ("dropped_why", models.CharField(blank=True, default="", max_length=64)),
            ],
            options={
                "db_table": "authlevels_token",
                "indexes": [
                    models.Index(fields=["tenant_id", "elevation_id"], name="token_by_elevation"),
                    models.Index(
                        condition=models.Q(("dropped_at__isnull", True)),
                        fields=["expires_at"],
                        name="token_to_be_dropped",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "id"), name="token_tenant_id"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("expires_at__gt", models.F("issued_at")),
                            (
                                "expires_at__lte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("issued_at"), "+", models.Value("00:05:00", models.DurationField())
                                ),
                            ),
                        ),
                        name="token_lives_five_minutes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("dropped_at__isnull", True), ("dropped_why", "")),
                            models.Q(("dropped_at__isnull", False), models.Q(("dropped_why", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="token_dropped_says_why",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("scopes__len__gte", 1)), name="token_is_good_for_something"
                    ),
                ],
            },
        ),
        *share("authlevels_signing_key", writable=True),
        *isolate("authlevels_token"),
        *composite_fk("authlevels_token", "session_id", "authlevels_session"),
        *composite_fk("authlevels_token", "elevation_id", "authlevels_elevation"),
        migrations.RunSQL(_WITHIN, _WITHOUT),
    ]
