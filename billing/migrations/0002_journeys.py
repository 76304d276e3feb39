"""What journeys keep: checkouts that are open, and quotes."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

from isolation.migrations_ops import isolate


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0001_tables"),
        ("licensing", "0014_moving"),
    ]

    operations = [
        migrations.CreateModel(
            name="Checkout",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("key", models.TextField()),
                ("prices", models.JSONField()),
                ("by", models.TextField()),
                ("session_id", models.TextField(blank=True, default="")),
                ("url", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="licensing.tenant"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "key"), name="billing_checkout_key"),
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at__isnull", True)),
                        fields=("tenant",),
                        name="billing_checkout_one_open",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Quote",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("by", models.TextField()),
                ("subscription", models.TextField()),
                ("state", models.TextField()),
                ("when", models.TextField(choices=[("now", "Now"), ("period_end", "Period End")])),
                ("wanted", models.JSONField()),
                ("items", models.JSONField()),
                ("proration_date", models.BigIntegerField()),
                ("cost", models.JSONField()),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                ("used_key", models.TextField(blank=True, null=True)),
                ("answer", models.JSONField(blank=True, null=True)),
                ("refused", models.TextField(blank=True, default="")),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="licensing.tenant"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("when__in", ["now", "period_end"])), name="billing_quote_when"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("used_at__isnull", True), ("used_key__isnull", True)),
                            models.Q(("used_at__isnull", False), ("used_key__isnull", False)),
                            _connector="OR",
                        ),
                        name="billing_quote_used",
                    ),
                ],
            },
        ),
        *isolate("billing_checkout"),
        *isolate("billing_quote"),
    ]
