"""Walks through all profiles, in parts that workers share."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

from isolation.migrations_ops import isolate, share
from isolation.roles import SWEEP_ROLE


class Migration(migrations.Migration):
    dependencies = [
        ("licensing", "0023_first_of_a_period"),
        ("riskengine", "0004_lists"),
    ]

    operations = [
        migrations.CreateModel(
            name="Run",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("rewrites", models.BooleanField(default=False)),
                ("begun_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("total", models.BigIntegerField(default=0)),
                ("lease_until", models.DateTimeField(null=True)),
                ("fence", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("rewrites",),
                        name="riskengine_run_open_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Part",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("after", models.UUIDField(null=True)),
                ("until", models.UUIDField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("fence", models.BigIntegerField(default=0)),
                ("done", models.BigIntegerField(default=0)),
                ("state", models.BinaryField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licensing.tenant",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="riskengine.run",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["run", "ended_at"], name="riskengine_part_run")],
            },
        ),
        *isolate("riskengine_part"),
        *share("riskengine_run", writable=False),
        migrations.RunSQL(
            f"GRANT INSERT, UPDATE, DELETE ON riskengine_run TO {SWEEP_ROLE}",
            f"REVOKE INSERT, UPDATE, DELETE ON riskengine_run FROM {SWEEP_ROLE}",
        ),
    ]
