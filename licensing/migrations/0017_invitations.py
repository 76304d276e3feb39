"""Invitations, each of which holds a seat."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from isolation.migrations_ops import isolate


class Migration(migrations.Migration):
    """One table, which the release before this one does not read."""

    dependencies = [("licensing", "0016_usage_functions")]
    operations = [
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("address", models.TextField()),
                (
                    "roles",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None),
                ),
                ("token_digest", models.TextField()),
                ("by", models.TextField()),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "end",
                    models.TextField(
                        blank=True,
                        choices=[
                            ("", "None"),
                            ("accepted", "Accepted"),
                            ("revoked", "Revoked"),
                            ("expired", "Expired"),
                        ],
                        default="",
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
                "constraints": (
                    models.UniqueConstraint(fields=("tenant", "id"), name="licensing_invitation_tenant_key"),
                    models.UniqueConstraint(fields=("tenant", "token_digest"), name="licensing_invitation_token"),
                    models.UniqueConstraint(
                        fields=("tenant", "address"), condition=models.Q(end=""), name="licensing_invitation_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(end__in=["", "accepted", "revoked", "expired"])
                        & (models.Q(end="") | models.Q(address="")),
                        name="licensing_invitation_end",
                    ),
                    models.CheckConstraint(
                        condition=~models.Q(end="") | ~models.Q(address=""), name="licensing_invitation_address"
                    ),
                ),
            },
        ),
        *isolate("licensing_invitation"),
    ]
