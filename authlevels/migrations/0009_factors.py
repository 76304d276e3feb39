"""Passkeys, ceilings of new factors, counted uses; and what a decision may know of a session, with all of them."""

import uuid
from typing import Final

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from authlevels.heeding import heed
from isolation.migrations_ops import share

# What the release before this one asks for is authlevels_session_state, which stays as it is.
_SESSION_KNOWN: Final = """
CREATE FUNCTION authlevels_session_known(tenant uuid, session uuid, a_type text, an_id text, at timestamptz)
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
                'impersonator', s.impersonator,
                'totp', (
                    SELECT coalesce(json_agg(d.handle ORDER BY d.id), '[]')
                    FROM authlevels_totpdevice d
                    WHERE d.user_id = u.id AND d.confirmed AND d.disabled_at IS NULL
                ),
                'apps', (
                    SELECT coalesce(json_agg(json_build_object(
                        'handle', d.handle, 'ceiling', d.ceiling, 'ceiling_until', d.ceiling_until
                    ) ORDER BY d.id), '[]')
                    FROM authlevels_totpdevice d
                    WHERE d.user_id = u.id AND d.confirmed AND d.disabled_at IS NULL
                ),
                'passkeys', (
                    SELECT coalesce(json_agg(json_build_object(
                        'handle', d.handle, 'ceiling', d.ceiling, 'ceiling_until', d.ceiling_until,
                        'is_sync_capable', d.is_sync_capable, 'is_attested', d.is_attested,
                        'can_verify_user', d.can_verify_user
                    ) ORDER BY d.id), '[]')
                    FROM authlevels_passkey d
                    WHERE d.user_id = u.id AND d.confirmed AND d.disabled_at IS NULL
                ),
                'elevations', (
                    SELECT coalesce(json_agg(json_build_object(
                        'id', e.id, 'scope', e.scope, 'action', e.action,
                        'resource_type', e.resource_type, 'resource_id', e.resource_id, 'binding', e.binding,
                        'expires_at', e.expires_at, 'used_at', e.used_at, 'used_by', e.used_by,
                        'uses_allowed', e.uses_allowed, 'uses', e.uses, 'batch', e.batch
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
                        'device_bound', p.device_bound, 'ceiling', p.ceiling
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
    dependencies = [
        ("authlevels", "0008_standing"),
    ]

    operations = [
        migrations.CreateModel(
            name="PasskeyDevice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="The human-readable name of this device.", max_length=64)),
                ("confirmed", models.BooleanField(default=True, help_text="Is this device ready for use?")),
                (
                    "throttling_failure_timestamp",
                    models.DateTimeField(
                        blank=True,
                        default=None,
                        help_text="A timestamp of the last failed verification attempt. Null if last attempt succeeded.",
                        null=True,
                    ),
                ),
                (
                    "throttling_failure_count",
                    models.PositiveIntegerField(default=0, help_text="Number of successive failed attempts."),
                ),
                ("handle", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("credential_id", models.BinaryField(unique=True)),
                ("public_key", models.BinaryField()),
                ("sign_count", models.BigIntegerField(default=0)),
                ("aaguid", models.UUIDField(editable=False)),
                (
                    "transports",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32), blank=True, default=list
                    ),
                ),
                ("is_sync_capable", models.BooleanField(editable=False)),
                ("is_synced", models.BooleanField(default=False)),
                ("is_attested", models.BooleanField(default=False, editable=False)),
                ("attested_by", models.CharField(blank=True, default="", editable=False, max_length=255)),
                ("can_verify_user", models.BooleanField(default=False, editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("last_used_at", models.DateTimeField(null=True)),
                ("disabled_at", models.DateTimeField(null=True)),
                ("ceiling", models.CharField(db_default="", default="", editable=False, max_length=8)),
                ("ceiling_until", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "db_table": "authlevels_passkey",
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="elevation",
            name="batch",
            field=models.JSONField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="elevation",
            name="uses",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="elevation",
            name="uses_allowed",
            field=models.PositiveSmallIntegerField(db_default=1, default=1, editable=False),
        ),
        migrations.AddField(
            model_name="proofrow",
            name="ceiling",
            field=models.CharField(db_default="", default="", editable=False, max_length=8),
        ),
        migrations.AddField(
            model_name="sessionrow",
            name="impersonator",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=320),
        ),
        migrations.AddField(
            model_name="totpdevice",
            name="ceiling",
            field=models.CharField(db_default="", default="", editable=False, max_length=8),
        ),
        migrations.AddField(
            model_name="totpdevice",
            name="ceiling_until",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddConstraint(
            model_name="elevation",
            constraint=models.CheckConstraint(
                condition=models.Q(("uses__lte", models.F("uses_allowed")), ("uses_allowed__gte", 1)),
                name="elevation_uses_are_counted",
            ),
        ),
        migrations.AddField(
            model_name="passkeydevice",
            name="user",
            field=models.ForeignKey(
                help_text="The user that this device belongs to.",
                on_delete=django.db.models.deletion.CASCADE,
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="passkeydevice",
            constraint=models.CheckConstraint(
                condition=models.Q(("confirmed", False), ("confirmed_at__isnull", False), _connector="OR"),
                name="passkey_confirmed_has_instant",
            ),
        ),
        migrations.AddConstraint(
            model_name="passkeydevice",
            constraint=models.CheckConstraint(
                condition=models.Q(("sign_count__gte", 0)), name="passkey_count_is_natural"
            ),
        ),
        migrations.AddConstraint(
            model_name="passkeydevice",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_synced", False), ("is_sync_capable", True), _connector="OR"),
                name="passkey_synced_is_able_to",
            ),
        ),
        *share("authlevels_passkey", writable=True),
        # As for authenticator apps: what rests on the highest level that a person can reach changes with each.
        *heed(
            "authlevels_passkey",
            realm="(SELECT u.realm FROM authlevels_user u WHERE u.id = r.user_id)",
            events=("INSERT", "UPDATE", "DELETE"),
            unheeded=(
                "name",
                "sign_count",
                "is_synced",
                "last_used_at",
                "throttling_failure_count",
                "throttling_failure_timestamp",
            ),
            counts="r.confirmed AND r.disabled_at IS NULL",
        ),
        migrations.RunSQL(
            _SESSION_KNOWN, "DROP FUNCTION authlevels_session_known(uuid, uuid, text, text, timestamptz)"
        ),
    ]
