"""Where events go, what was sent, and what was last told of each tenant."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

from isolation.migrations_ops import composite_fk, isolate, share


class Migration(migrations.Migration):
    """Three tables, which the release before this one neither writes nor reads."""

    dependencies = [
        ("licensing", "0017_invitations"),
    ]

    operations = [
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("url", models.TextField()),
                ("title", models.TextField(blank=True, default="")),
                ("kinds", models.JSONField()),
                ("secret_sealed", models.BinaryField(blank=True, null=True)),
                ("previous_sealed", models.BinaryField(blank=True, null=True)),
                ("previous_until", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                ("disabled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "disabled_because",
                    models.TextField(
                        blank=True, choices=[("asked", "Asked"), ("failing", "Failing"), ("gone", "Gone")], default=""
                    ),
                ),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("removed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "only_tenant",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licensing.tenant",
                    ),
                ),
            ],
            options={
                "db_table": "licensing_webhook_endpoint",
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "state",
                    models.TextField(
                        choices=[("waiting", "Waiting"), ("delivered", "Delivered"), ("given_up", "Given Up")],
                        default="waiting",
                    ),
                ),
                ("attempts", models.IntegerField(default=0)),
                ("next_try_at", models.DateTimeField()),
                ("lease", models.UUIDField(blank=True, null=True)),
                ("leased_until", models.DateTimeField(blank=True, null=True)),
                ("last_tried_at", models.DateTimeField(blank=True, null=True)),
                ("last_status", models.IntegerField(blank=True, null=True)),
                ("last_error", models.TextField(blank=True, default="")),
                ("milliseconds", models.IntegerField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="licensing.outboxevent",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="licensing.tenant"
                    ),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="licensing.webhookendpoint",
                    ),
                ),
            ],
            options={
                "db_table": "licensing_webhook_delivery",
            },
        ),
        migrations.CreateModel(
            name="ToldStanding",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("catalogue", models.BigIntegerField(default=0)),
                ("generation", models.BigIntegerField(default=0)),
                ("features", models.JSONField(default=dict)),
                ("told_at", models.DateTimeField()),
                ("next_change_at", models.DateTimeField(blank=True, null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="licensing.tenant"
                    ),
                ),
            ],
            options={
                "db_table": "licensing_told_standing",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "id"), name="licensing_told_standing_tenant_key"),
                    models.UniqueConstraint(fields=("tenant",), name="licensing_told_standing_once"),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("disabled_at", None), ("disabled_because", "")),
                    models.Q(("disabled_at__isnull", False), ("disabled_because__in", ["asked", "failing", "gone"])),
                    _connector="OR",
                ),
                name="licensing_webhook_endpoint_disabled",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("removed_at", None), ("secret_sealed__isnull", False)),
                    models.Q(
                        ("disabled_at__isnull", False),
                        ("previous_sealed", None),
                        ("removed_at__isnull", False),
                        ("secret_sealed", None),
                    ),
                    _connector="OR",
                ),
                name="licensing_webhook_endpoint_removed",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("previous_sealed", None), ("previous_until", None)),
                    models.Q(("previous_sealed__isnull", False), ("previous_until__isnull", False)),
                    _connector="OR",
                ),
                name="licensing_webhook_endpoint_rolling",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("state", "waiting")),
                fields=["endpoint", "next_try_at"],
                name="licensing_webhook_due",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["created_at", "id"], name="licensing_webhook_by_time"),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["endpoint", "created_at"], name="licensing_webhook_by_endpoint"),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="licensing_webhook_delivery_tenant_key"),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.UniqueConstraint(
                fields=("tenant", "event", "endpoint"), name="licensing_webhook_delivery_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at", None), ("state", "waiting")),
                    models.Q(("ended_at__isnull", False), ("state__in", ["delivered", "given_up"])),
                    _connector="OR",
                ),
                name="licensing_webhook_delivery_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("attempts__gte", 0),
                    models.Q(
                        models.Q(("lease", None), ("leased_until", None)),
                        ("leased_until__isnull", False),
                        _connector="OR",
                    ),
                ),
                name="licensing_webhook_delivery_lease",
            ),
        ),
        *share("licensing_webhook_endpoint", writable=True),
        *isolate("licensing_webhook_delivery"),
        *composite_fk("licensing_webhook_delivery", "event_id", "licensing_outbox_event", "CASCADE"),
        *isolate("licensing_told_standing"),
    ]
