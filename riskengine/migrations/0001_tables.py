"""Signals, profiles, what is usual in tenants and everywhere, where bands begin, and what sessions risk."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

from isolation.migrations_ops import isolate, share
from isolation.roles import SWEEP_ROLE


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("licensing", "0023_first_of_a_period"),
        ("isolation", "0002_serve"),
    ]

    operations = [
        migrations.CreateModel(
            name="PlatformCutoffs",
            fields=[
                ("medium", models.FloatField()),
                ("high", models.FloatField()),
                ("critical", models.FloatField()),
                ("samples", models.BigIntegerField()),
                ("calibrated_at", models.DateTimeField()),
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
            ],
            options={
                "db_table": "riskengine_platform_cutoffs",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("high__lte", models.F("critical")), ("medium__lte", models.F("high")), ("samples__gte", 0)
                        ),
                        name="riskengine_platform_cutoffs_order",
                    ),
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="riskengine_platform_cutoffs_one"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PlatformPopulation",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("state", models.BinaryField()),
                ("people", models.BigIntegerField()),
                ("counted_at", models.DateTimeField()),
            ],
            options={
                "db_table": "riskengine_platform_population",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="riskengine_platform_population_one")
                ],
            },
        ),
        migrations.CreateModel(
            name="TenantPopulation",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("state", models.BinaryField()),
                ("people", models.BigIntegerField()),
                ("counted_at", models.DateTimeField()),
                (
                    "tenant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="licensing.tenant"
                    ),
                ),
            ],
            options={
                "db_table": "riskengine_population",
            },
        ),
        migrations.CreateModel(
            name="Policy",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "mode",
                    models.TextField(
                        choices=[("off", "Off"), ("observe", "Observe"), ("enforce", "Enforce")], default="enforce"
                    ),
                ),
                ("table", models.JSONField(blank=True, default=dict)),
                ("updated_at", models.DateTimeField()),
                ("updated_by", models.TextField()),
                (
                    "tenant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="licensing.tenant"
                    ),
                ),
            ],
            options={
                "db_table": "riskengine_policy",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("mode__in", ["off", "observe", "enforce"])), name="riskengine_policy_mode"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ProfileRow",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("subject_type", models.TextField()),
                ("subject_id", models.TextField()),
                ("state", models.BinaryField()),
                ("version", models.BigIntegerField(default=1)),
                ("epoch", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
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
                "db_table": "riskengine_profile",
                "indexes": [models.Index(fields=["epoch"], name="riskengine_profile_epoch")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "subject_type", "subject_id"), name="riskengine_profile_person"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SessionRisk",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("session_id", models.UUIDField()),
                ("subject_type", models.TextField()),
                ("subject_id", models.TextField()),
                ("band", models.TextField()),
                ("raised_at", models.DateTimeField()),
                ("looks", models.JSONField(default=dict)),
                ("version", models.BigIntegerField(default=1)),
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
                "db_table": "riskengine_session",
                "indexes": [
                    models.Index(fields=["tenant", "subject_type", "subject_id"], name="riskengine_session_person"),
                    models.Index(fields=["raised_at"], name="riskengine_session_raised"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "session_id"), name="riskengine_session_once"),
                    models.CheckConstraint(
                        condition=models.Q(("band__in", ("unknown", "low", "medium", "high", "critical"))),
                        name="riskengine_session_band",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Signal",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("subject_type", models.TextField()),
                ("subject_id", models.TextField()),
                ("session_id", models.UUIDField(null=True)),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            ("sign_in", "Sign In"),
                            ("sign_in_failed", "Sign In Failed"),
                            ("step_up_passed", "Step Up Passed"),
                            ("step_up_failed", "Step Up Failed"),
                            ("seen", "Seen"),
                            ("told", "Told"),
                            ("confirmed_mine", "Confirmed Mine"),
                            ("confirmed_not_mine", "Confirmed Not Mine"),
                        ]
                    ),
                ),
                ("trust", models.FloatField(default=0.0)),
                ("seen", models.JSONField()),
                ("network", models.TextField(blank=True, default="")),
                ("ip", models.GenericIPAddressField(null=True)),
                ("score", models.FloatField(null=True)),
                ("band", models.TextField(default="unknown")),
                ("reasons", models.JSONField(default=list)),
                ("was_challenged", models.BooleanField(default=False)),
                ("folded_at", models.DateTimeField(null=True)),
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
                    models.Index(
                        fields=["tenant", "subject_type", "subject_id", "at"], name="riskengine_signal_person"
                    ),
                    models.Index(
                        condition=models.Q(("folded_at__isnull", True)),
                        fields=["tenant", "subject_type", "subject_id", "at"],
                        name="riskengine_signal_unfolded",
                    ),
                    models.Index(
                        condition=models.Q(("folded_at__isnull", True)), fields=["at"], name="riskengine_signal_waiting"
                    ),
                    models.Index(
                        condition=models.Q(
                            ("kind__in", ("sign_in_failed", "step_up_failed")), models.Q(("network", ""), _negated=True)
                        ),
                        fields=["tenant", "network", "at"],
                        name="riskengine_signal_failed",
                    ),
                    models.Index(fields=["tenant", "at"], name="riskengine_signal_at"),
                    models.Index(condition=models.Q(("ip__isnull", False)), fields=["at"], name="riskengine_signal_ip"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "sign_in",
                                    "sign_in_failed",
                                    "step_up_passed",
                                    "step_up_failed",
                                    "seen",
                                    "told",
                                    "confirmed_mine",
                                    "confirmed_not_mine",
                                ],
                            )
                        ),
                        name="riskengine_signal_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("trust__gte", 0), ("trust__lte", 1)), name="riskengine_signal_trust"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("band__in", ("unknown", "low", "medium", "high", "critical"))),
                        name="riskengine_signal_band",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TenantCutoffs",
            fields=[
                ("medium", models.FloatField()),
                ("high", models.FloatField()),
                ("critical", models.FloatField()),
                ("samples", models.BigIntegerField()),
                ("calibrated_at", models.DateTimeField()),
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "tenant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="licensing.tenant"
                    ),
                ),
            ],
            options={
                "db_table": "riskengine_cutoffs",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("high__lte", models.F("critical")), ("medium__lte", models.F("high")), ("samples__gte", 0)
                        ),
                        name="riskengine_cutoffs_order",
                    )
                ],
            },
        ),
        *isolate("riskengine_signal"),
        *isolate("riskengine_profile"),
        *isolate("riskengine_policy"),
        *isolate("riskengine_cutoffs"),
        *isolate("riskengine_population"),
        *isolate("riskengine_session"),
        *share("riskengine_platform_population", writable=False),
        *share("riskengine_platform_cutoffs", writable=False),
        # Whoever serves requests reads what all tenants are compared with; tasks alone write it.
        migrations.RunSQL(
            f"GRANT INSERT, UPDATE ON riskengine_platform_population, riskengine_platform_cutoffs TO {SWEEP_ROLE}",
            f"REVOKE INSERT, UPDATE ON riskengine_platform_population, riskengine_platform_cutoffs FROM {SWEEP_ROLE}",
        ),
    ]
