"""Short codes for programs that wait for somebody elsewhere."""

import uuid

import django.contrib.postgres.fields
from django.db import migrations, models

from isolation.migrations_ops import composite_fk, isolate


class Migration(migrations.Migration):
    """One table."""

    dependencies = [
        ("authlevels", "0019_agreed_tokens"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeviceCode",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField(editable=False)),
                ("challenge_id", models.UUIDField(editable=False, null=True)),
                ("approval_id", models.UUIDField(editable=False, null=True)),
                ("subject_type", models.CharField(editable=False, max_length=64)),
                ("subject_id", models.CharField(editable=False, max_length=255)),
                ("digest", models.BinaryField()),
                ("number", models.PositiveSmallIntegerField()),
                ("numbers", django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField())),
                ("interval", models.PositiveSmallIntegerField(default=5)),
                ("polled_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(editable=False)),
                ("expires_at", models.DateTimeField()),
                ("activated_by", models.UUIDField(null=True)),
                ("denied_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "authlevels_device_code",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "id"), name="device_code_tenant_id"),
                    models.UniqueConstraint(fields=("tenant_id", "digest"), name="device_code_once"),
                    models.UniqueConstraint(fields=("tenant_id", "challenge_id"), name="device_code_of_challenge"),
                    models.UniqueConstraint(fields=("tenant_id", "approval_id"), name="device_code_of_approval"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("challenge_id__isnull", True), ("approval_id__isnull", True), _connector="XOR"
                        ),
                        name="device_code_of_one_thing",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("activated_by__isnull", True), ("denied_at__isnull", True), _connector="OR"
                        ),
                        name="device_code_denied_is_not_activated",
                    ),
                ],
            },
        ),
        *isolate("authlevels_device_code"),
        *composite_fk("authlevels_device_code", "challenge_id", "authlevels_challenge", on_delete="CASCADE"),
        *composite_fk("authlevels_device_code", "approval_id", "authlevels_approval", on_delete="CASCADE"),
        *composite_fk("authlevels_device_code", "activated_by", "authlevels_session"),
    ]
