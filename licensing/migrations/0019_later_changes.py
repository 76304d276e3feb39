"""Changes that wait for their day, and who has tried what."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from isolation.migrations_ops import composite_fk, isolate, share


class Migration(migrations.Migration):
    """Two tables that the release before this one neither writes nor reads."""

    dependencies = [
        ("licensing", "0018_webhooks"),
    ]

    operations = [
        migrations.CreateModel(
            name="PendingChange",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("add_ons", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list)),
                ("effective_at", models.DateTimeField()),
                ("confirm_by", models.DateTimeField()),
                ("by", models.TextField()),
                ("created_at", models.DateTimeField()),
                (
                    "state",
                    models.TextField(
                        choices=[("open", "Open"), ("applied", "Applied"), ("cancelled", "Cancelled")], default="open"
                    ),
                ),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "plan_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="licensing.planversion"
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="licensing.subscription"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="licensing.tenant"
                    ),
                ),
            ],
            options={
                "db_table": "licensing_pending_change",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "open")),
                        fields=["confirm_by"],
                        name="licensing_pending_change_due",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "id"), name="licensing_pending_change_tenant_key"),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "open")),
                        fields=("tenant",),
                        name="licensing_pending_change_one_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at__isnull", True), ("state", "open")),
                            models.Q(("closed_at__isnull", False), ("state__in", ["applied", "cancelled"])),
                            _connector="OR",
                        ),
                        name="licensing_pending_change_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("confirm_by__gte", models.F("effective_at"))),
                        name="licensing_pending_change_grace",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TrialUse",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("mark", models.TextField(choices=[("tenant", "Tenant"), ("domain", "Domain"), ("card", "Card")])),
                ("digest", models.BinaryField()),
                ("used_at", models.DateTimeField()),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="licensing.plan"
                    ),
                ),
            ],
            options={
                "db_table": "licensing_trial_use",
                "constraints": [
                    models.UniqueConstraint(fields=("plan", "mark", "digest"), name="licensing_trial_use_once"),
                    models.CheckConstraint(
                        condition=models.Q(("mark__in", ["tenant", "domain", "card"])), name="licensing_trial_use_mark"
                    ),
                ],
            },
        ),
        *isolate("licensing_pending_change"),
        *composite_fk("licensing_pending_change", "subscription_id", "licensing_subscription"),
        *share("licensing_trial_use", writable=True),
    ]
