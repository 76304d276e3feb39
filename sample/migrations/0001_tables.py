"""What Northwind keeps; a payment is never changed."""

import uuid

from django.db import migrations, models

from isolation.migrations_ops import append_only, isolate


class Migration(migrations.Migration):
    """Two tables."""

    initial = True
    dependencies = [("isolation", "0001_roles_and_guards")]
    operations = [
        migrations.CreateModel(
            name="Deletion",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField(unique=True)),
                ("asked_by", models.CharField(max_length=320)),
                ("asked_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField()),
                ("reference", models.CharField(max_length=64)),
                ("amount", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("payee", models.CharField(max_length=200)),
                ("approved_by", models.CharField(max_length=320)),
                ("approved_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "reference"), name="sample_payment_paid_once"),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="sample_payment_amount_positive"
                    ),
                ],
            },
        ),
        *isolate("sample_deletion"),
        *isolate("sample_payment"),
        *append_only("sample_payment"),
    ]
