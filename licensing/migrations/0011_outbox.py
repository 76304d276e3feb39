"""What the vendor's own systems are to hear of."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

from isolation.migrations_ops import isolate

_KINDS = ["entitlements.changed", "subscription.changed", "limit.reached", "assurance.changed"]


class Migration(migrations.Migration):
    """One table, which the release before this one neither writes nor reads."""

    dependencies = [("licensing", "0010_batches")]
    operations = [
        migrations.CreateModel(
            name="OutboxEvent",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("kind", models.TextField(choices=[(kind, kind) for kind in _KINDS])),
                ("at", models.DateTimeField()),
                ("snapshot", models.TextField()),
                ("payload", models.JSONField()),
                ("once", models.TextField(blank=True, default="")),
                ("transaction", models.BigIntegerField(editable=False)),
                ("handed_out_at", models.DateTimeField(blank=True, null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="licensing.tenant"
                    ),
                ),
            ],
            options={
                "db_table": "licensing_outbox_event",
                "indexes": [
                    models.Index(
                        condition=models.Q(("handed_out_at", None)), fields=["at"], name="licensing_outbox_waiting"
                    ),
                    models.Index(fields=["tenant", "at"], name="licensing_outbox_by_tenant"),
                    models.Index(fields=["at"], name="licensing_outbox_by_time"),
                ],
                "constraints": (
                    models.UniqueConstraint(fields=("tenant", "id"), name="licensing_outbox_event_tenant_key"),
                    models.UniqueConstraint(
                        condition=models.Q(("once", ""), _negated=True),
                        fields=("tenant", "kind", "once"),
                        name="licensing_outbox_event_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", _KINDS)), name="licensing_outbox_event_kind"
                    ),
                ),
            },
        ),
        *isolate("licensing_outbox_event"),
    ]
