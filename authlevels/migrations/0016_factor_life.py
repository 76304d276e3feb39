"""What factors go through: a tenant's policy, recovery codes, notices; and what a decision may know, with it."""

import uuid
from importlib import import_module
from typing import Final

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from authlevels.heeding import heed, heed_less
from isolation.migrations_ops import composite_fk, isolate, share

_SESSION_KNOWN: Final = """
CREATE OR REPLACE FUNCTION authlevels_session_known(tenant uuid, session uuid, a_type text, an_id text, at timestamptz)
RETURNS text LANGUAGE plpgsql VOLATILE AS $fn$
DECLARE
    cooldown interval;
    grace interval;
BEGIN
    SELECT make_interval(secs => p.new_factor_cooldown), make_interval(secs => p.enrolment_grace)
    INTO cooldown, grace
    FROM authlevels_policy p WHERE p.tenant_id = tenant;
    cooldown := coalesce(cooldown, interval '86400 seconds');
    grace := coalesce(grace, interval '604800 seconds');
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
                'revoked_at', coalesce(s.revoked_at, CASE
                    WHEN coalesce(s.kept_at, s.created_at) < u.sessions_from THEN u.sessions_from
                END),
                'last_seen_at', s.last_seen_at,
                'aal2_since', s.aal2_since,
                'aal3_since', s.aal3_since,
                'impersonator', s.impersonator,
                'enrolment_due', (
                    SELECT w.since + grace FROM authlevels_unready w
                    WHERE w.tenant_id = tenant AND w.subject_type = s.subject_type AND w.subject_id = s.subject_id
                ),
                'totp', (
                    SELECT coalesce(json_agg(d.handle ORDER BY d.id), '[]')
                    FROM authlevels_totpdevice d
                    WHERE d.user_id = u.id AND d.confirmed AND d.disabled_at IS NULL
                ),
                'apps', (
                    SELECT coalesce(json_agg(json_build_object(
                        'handle', d.handle, 'ceiling', d.ceiling,
                        'ceiling_until', greatest(d.ceiling_until, d.confirmed_at + cooldown)
                    ) ORDER BY d.id), '[]')
                    FROM authlevels_totpdevice d
                    WHERE d.user_id = u.id AND d.confirmed AND d.disabled_at IS NULL
                ),
                'passkeys', (
                    SELECT coalesce(json_agg(json_build_object(
                        'handle', d.handle, 'ceiling', d.ceiling,
                        'ceiling_until', greatest(d.ceiling_until, d.confirmed_at + cooldown),
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
_FACTORS: Final = import_module("authlevels.migrations.0009_factors")
_KNOWN_BEFORE: Final = _FACTORS._SESSION_KNOWN.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")  # noqa: SLF001

_KEPT: Final = """
CREATE TRIGGER keep_end BEFORE UPDATE ON authlevels_recovery_code
    FOR EACH ROW EXECUTE FUNCTION authlevels_keep_end('used_at');
CREATE TRIGGER keep_end BEFORE UPDATE ON authlevels_recovery_grant
    FOR EACH ROW EXECUTE FUNCTION authlevels_keep_end('used_at');
"""
_UNKEPT: Final = """
DROP TRIGGER keep_end ON authlevels_recovery_code;
DROP TRIGGER keep_end ON authlevels_recovery_grant;
"""
_OF_PERSON: Final = "(SELECT u.realm FROM authlevels_user u WHERE u.id = r.user_id)"
_ATTEMPTS: Final = ("throttling_failure_count", "throttling_failure_timestamp")
_USABLE: Final = "r.confirmed AND r.disabled_at IS NULL"


class Migration(migrations.Migration):
    dependencies = [
        ("authlevels", "0015_batches"),
    ]

    operations = [
        migrations.AddField(
            model_name="passkeydevice",
            name="locked_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="sessionrow",
            name="kept_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="totpdevice",
            name="locked_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="totpdevice",
            name="replaces",
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="user",
            name="sessions_from",
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField(editable=False)),
                ("subject_type", models.CharField(editable=False, max_length=64)),
                ("subject_id", models.CharField(editable=False, max_length=255)),
                ("kind", models.CharField(editable=False, max_length=40)),
                ("address", models.CharField(editable=False, max_length=254)),
                ("told", models.JSONField(editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("next_try_at", models.DateTimeField()),
                ("leased_until", models.DateTimeField(null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("sent_at", models.DateTimeField(null=True)),
                ("given_up_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "authlevels_notice",
                "indexes": [
                    models.Index(
                        condition=models.Q(("given_up_at__isnull", True), ("sent_at__isnull", True)),
                        fields=["next_try_at"],
                        name="notice_waiting",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RecoveryCodes",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="The human-readable name of this device.", max_length=64)),
                ("confirmed", models.BooleanField(default=True, help_text="Is this device ready for use?")),
                ("handle", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("pepper_sealed", models.BinaryField()),
                ("created_at", models.DateTimeField(editable=False)),
                (
                    "user",
                    models.ForeignKey(
                        help_text="The user that this device belongs to.",
                        on_delete=django.db.models.deletion.CASCADE,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "authlevels_recovery_codes",
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="RecoveryCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.BinaryField()),
                ("used_at", models.DateTimeField(null=True)),
                (
                    "codes",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="authlevels.recoverycodes",
                    ),
                ),
            ],
            options={
                "db_table": "authlevels_recovery_code",
            },
        ),
        migrations.CreateModel(
            name="RecoveryGrant",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField(editable=False)),
                ("session_id", models.UUIDField(editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("expires_at", models.DateTimeField(editable=False)),
                ("used_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "authlevels_recovery_grant",
                "indexes": [models.Index(fields=["tenant_id", "session_id"], name="recovery_grant_by_session")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("created_at"))),
                        name="recovery_grant_ends_after_start",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="StepUpPolicy",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField(editable=False)),
                ("max_failures", models.PositiveSmallIntegerField(default=10)),
                ("new_factor_cooldown", models.PositiveIntegerField(default=86400)),
                ("enrolment_grace", models.PositiveIntegerField(default=604800)),
                ("allow_impersonation", models.BooleanField(default=True)),
            ],
            options={
                "db_table": "authlevels_policy",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id",), name="policy_once_per_tenant"),
                    models.CheckConstraint(
                        condition=models.Q(("max_failures__gte", 1), ("max_failures__lte", 100)),
                        name="policy_failures_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("enrolment_grace__lte", 7776000), ("new_factor_cooldown__lte", 7776000)),
                        name="policy_spans_in_range",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Unready",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField(editable=False)),
                ("subject_type", models.CharField(editable=False, max_length=64)),
                ("subject_id", models.CharField(editable=False, max_length=255)),
                ("level", models.CharField(max_length=8)),
                ("since", models.DateTimeField(editable=False)),
            ],
            options={
                "db_table": "authlevels_unready",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant_id", "subject_type", "subject_id"), name="unready_once_per_member"
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="recoverycodes",
            constraint=models.UniqueConstraint(fields=("user",), name="recovery_one_list_per_person"),
        ),
        migrations.AddConstraint(
            model_name="recoverycode",
            constraint=models.UniqueConstraint(fields=("codes", "digest"), name="recovery_code_once_per_list"),
        ),
        *isolate("authlevels_policy"),
        *isolate("authlevels_unready"),
        *isolate("authlevels_notice"),
        *isolate("authlevels_recovery_grant"),
        *composite_fk("authlevels_recovery_grant", "session_id", "authlevels_session", on_delete="CASCADE"),
        *share("authlevels_recovery_codes", writable=True),
        *share("authlevels_recovery_code", writable=True),
        migrations.RunSQL(_KEPT, _UNKEPT),
        # What a session's facts rest on: when new factors count in full, and who has to enrol.
        *heed(
            "authlevels_policy", realm="r.tenant_id", events=("INSERT", "UPDATE", "DELETE"), unheeded=("max_failures",)
        ),
        *heed("authlevels_unready", realm="r.tenant_id", events=("INSERT", "UPDATE")),
        *heed_less(
            "authlevels_totpdevice",
            realm=_OF_PERSON,
            unheeded=("last_step", "locked_until", "name", "replaces", *_ATTEMPTS),
            was_unheeded=("last_step", *_ATTEMPTS),
            counts=_USABLE,
        ),
        *heed_less(
            "authlevels_passkey",
            realm=_OF_PERSON,
            unheeded=("name", "sign_count", "is_synced", "last_used_at", "locked_until", *_ATTEMPTS),
            was_unheeded=("name", "sign_count", "is_synced", "last_used_at", *_ATTEMPTS),
            counts=_USABLE,
        ),
        migrations.RunSQL(_SESSION_KNOWN, _KNOWN_BEFORE),
    ]
