"""The tables of people, sessions, factors, challenges and elevations, isolated from their first row."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

from isolation.migrations_ops import isolate, share


class Migration(migrations.Migration):
    initial = True

    dependencies = [("isolation", "0001_roles_and_guards")]

    operations = [
        migrations.CreateModel(
            name="AttemptCounter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("bucket", models.CharField(max_length=160, unique=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("window_started_at", models.DateTimeField()),
                ("locked_until", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "authlevels_attempt_counter",
            },
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("realm", models.UUIDField(editable=False, null=True)),
                ("subject_type", models.CharField(default="account", max_length=64)),
                ("subject_id", models.CharField(max_length=255)),
                ("email", models.CharField(blank=True, default="", max_length=254)),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "db_table": "authlevels_user",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("realm", "subject_type", "subject_id"), name="user_once_per_realm", nulls_distinct=False
                    ),
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("email"),
                        condition=models.Q(("realm__isnull", True), models.Q(("email", ""), _negated=True)),
                        name="user_email_once_in_own_sign_in",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("realm__isnull", True), ("subject_type", "account")),
                            models.Q(("realm__isnull", False), models.Q(("subject_type", "account"), _negated=True)),
                            _connector="OR",
                        ),
                        name="user_account_only_in_own_sign_in",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Challenge",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField(editable=False)),
                ("session_id", models.UUIDField(editable=False)),
                ("subject_type", models.CharField(editable=False, max_length=64)),
                ("subject_id", models.CharField(editable=False, max_length=255)),
                ("purpose", models.CharField(editable=False, max_length=16)),
                ("binding", models.CharField(editable=False, max_length=64)),
                ("requirement", models.JSONField(editable=False)),
                ("requirement_digest", models.CharField(editable=False, max_length=64)),
                ("policy_version", models.CharField(editable=False, max_length=128)),
                ("decision_id", models.UUIDField(editable=False)),
                ("action", models.CharField(editable=False, max_length=128)),
                ("resource_type", models.CharField(editable=False, max_length=128)),
                ("resource_id", models.CharField(editable=False, max_length=512)),
                ("display", models.JSONField(editable=False)),
                ("return_to", models.CharField(blank=True, default="", max_length=2048)),
                ("state", models.CharField(blank=True, default="", max_length=512)),
                ("handoff_digest", models.BinaryField(null=True)),
                ("handoff_expires_at", models.DateTimeField(null=True)),
                ("browser_digest", models.BinaryField(null=True)),
                ("created_at", models.DateTimeField(editable=False)),
                ("expires_at", models.DateTimeField(editable=False)),
                ("closed_at", models.DateTimeField(null=True)),
                ("passed_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "authlevels_challenge",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "id"), name="challenge_tenant_id"),
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at__isnull", True)),
                        fields=("tenant_id", "session_id", "purpose", "binding", "requirement_digest"),
                        name="challenge_equal_open_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("purpose__in", ["action", "sign_in", "enrol", "recovery"])),
                        name="challenge_purpose",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("passed_at__isnull", True), ("closed_at__isnull", False), _connector="OR"),
                        name="challenge_passed_is_closed",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Elevation",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField(editable=False)),
                ("session_id", models.UUIDField(editable=False)),
                ("challenge_id", models.UUIDField(editable=False)),
                ("scope", models.CharField(editable=False, max_length=16)),
                ("level", models.CharField(editable=False, max_length=8)),
                ("binding", models.CharField(editable=False, max_length=64)),
                ("action", models.CharField(editable=False, max_length=128)),
                ("resource_type", models.CharField(editable=False, max_length=128)),
                ("resource_id", models.CharField(editable=False, max_length=512)),
                ("policy_version", models.CharField(editable=False, max_length=128)),
                ("created_at", models.DateTimeField(editable=False)),
                ("expires_at", models.DateTimeField(editable=False)),
                ("used_at", models.DateTimeField(null=True)),
                ("used_by", models.CharField(blank=True, default="", max_length=255)),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "authlevels_elevation",
                "indexes": [models.Index(fields=["tenant_id", "session_id"], name="elevation_by_session")],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "id"), name="elevation_tenant_id"),
                    models.UniqueConstraint(fields=("tenant_id", "challenge_id"), name="elevation_once_per_challenge"),
                    models.CheckConstraint(
                        condition=models.Q(("scope__in", ["session", "action", "resource", "transaction"])),
                        name="elevation_scope",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("created_at"))),
                        name="elevation_ends_after_start",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProofRow",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField(editable=False)),
                ("session_id", models.UUIDField(editable=False)),
                ("challenge_id", models.UUIDField(editable=False, null=True)),
                ("elevation_id", models.UUIDField(null=True)),
                ("method", models.CharField(editable=False, max_length=32)),
                ("at", models.DateTimeField(editable=False)),
                ("issuer", models.CharField(editable=False, max_length=255)),
                ("authenticator", models.CharField(editable=False, max_length=255)),
                ("factor_kind", models.CharField(editable=False, max_length=32)),
                ("phishing_resistant", models.BooleanField(default=False, editable=False)),
                ("user_verified", models.BooleanField(default=False, editable=False)),
                ("device_bound", models.BooleanField(default=False, editable=False)),
            ],
            options={
                "db_table": "authlevels_proof",
                "indexes": [models.Index(fields=["tenant_id", "session_id"], name="proof_by_session")],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "id"), name="proof_tenant_id"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("elevation_id__isnull", True), ("challenge_id__isnull", False), _connector="OR"
                        ),
                        name="proof_of_elevation_has_challenge",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ServiceCredential",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField(editable=False)),
                ("name", models.CharField(max_length=100)),
                ("verbs", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64))),
                ("max_level", models.CharField(max_length=8)),
                (
                    "return_to_origins",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=255), blank=True, default=list
                    ),
                ),
                ("answer_style", models.CharField(default="full", max_length=16)),
                ("secret_digest", models.BinaryField()),
                ("previous_digest", models.BinaryField(null=True)),
                ("previous_until", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(max_length=255)),
                ("expires_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "authlevels_service_credential",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "id"), name="credential_tenant_id"),
                    models.UniqueConstraint(fields=("secret_digest",), name="credential_secret_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("revoked_at__isnull", True)),
                        fields=("tenant_id", "name"),
                        name="credential_name_once_live",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("previous_digest__isnull", True), ("previous_until__isnull", True)),
                            models.Q(("previous_digest__isnull", False), ("previous_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="credential_overlap_has_end",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("max_level__in", ["aal1", "aal2", "aal3"])),
                        name="credential_level_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("answer_style__in", ["full", "bare"])), name="credential_answer_style"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SessionRow",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField(editable=False)),
                ("subject_type", models.CharField(editable=False, max_length=64)),
                ("subject_id", models.CharField(editable=False, max_length=255)),
                (
                    "kind",
                    models.CharField(choices=[("own", "Own"), ("asserted", "Asserted")], editable=False, max_length=16),
                ),
                ("issuer", models.CharField(editable=False, max_length=255)),
                ("asserted_by", models.UUIDField(editable=False, null=True)),
                ("secret_digest", models.BinaryField(null=True)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("aal2_since", models.DateTimeField(null=True)),
                ("aal3_since", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("ip", models.GenericIPAddressField(null=True)),
                ("user_agent", models.CharField(blank=True, default="", max_length=512)),
                ("device", models.CharField(blank=True, default="", max_length=255)),
                (
                    "user",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "authlevels_session",
                "indexes": [
                    models.Index(fields=["tenant_id", "subject_type", "subject_id"], name="session_by_subject")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "id"), name="session_tenant_id"),
                    models.UniqueConstraint(
                        condition=models.Q(("secret_digest__isnull", False)),
                        fields=("secret_digest",),
                        name="session_secret_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "own"), ("secret_digest__isnull", False), ("subject_type", "account")),
                            models.Q(
                                ("kind", "asserted"),
                                ("secret_digest__isnull", True),
                                models.Q(("subject_type", "account"), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="session_kind_shape",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("created_at"))), name="session_ends_after_start"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TotpDevice",
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
                ("secret_sealed", models.BinaryField()),
                (
                    "algorithm",
                    models.CharField(choices=[("SHA1", "Sha1"), ("SHA256", "Sha256")], default="SHA1", max_length=8),
                ),
                ("digits", models.PositiveSmallIntegerField(default=6)),
                ("period", models.PositiveSmallIntegerField(default=30)),
                ("last_step", models.BigIntegerField(default=-1)),
                ("created_at", models.DateTimeField()),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("disabled_at", models.DateTimeField(null=True)),
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
                "db_table": "authlevels_totpdevice",
                "abstract": False,
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("confirmed", False), ("confirmed_at__isnull", False), _connector="OR"),
                        name="totp_confirmed_has_instant",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("digits__in", [6, 8]), ("period__gt", 0)), name="totp_shape"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("confirmed", True), ("disabled_at__isnull", True)),
                        fields=("user",),
                        name="totp_one_live_per_person",
                    ),
                ],
            },
        ),
        *share("authlevels_user", writable=True),
        *share("authlevels_totpdevice", writable=True),
        *share("authlevels_attempt_counter", writable=True),
        *isolate("authlevels_service_credential"),
        *isolate("authlevels_session"),
        *isolate("authlevels_proof"),
        *isolate("authlevels_challenge"),
        *isolate("authlevels_elevation"),
    ]
