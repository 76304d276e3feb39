"""The trail: isolated and append-only from its first row."""

import uuid

from django.db import migrations, models

from isolation.migrations_ops import append_only, isolate


class Migration(migrations.Migration):
    """One table."""

    initial = True
    dependencies = [("isolation", "0001_roles_and_guards")]
    operations = [
        migrations.CreateModel(
            name="Entry",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("tenant_id", models.UUIDField(editable=False)),
                ("seq", models.BigIntegerField(editable=False)),
                ("kind", models.TextField(editable=False)),
                ("at", models.DateTimeField(editable=False)),
                ("subject_type", models.TextField(default="", editable=False)),
                ("subject_id", models.TextField(default="", editable=False)),
                ("session_id", models.UUIDField(editable=False, null=True)),
                ("payload", models.JSONField(editable=False)),
            ],
            options={
                "verbose_name_plural": "entries",
                "indexes": [
                    models.Index(
                        fields=["tenant_id", "subject_type", "subject_id", "seq"],
                        name="audit_entry_by_subject",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "id"), name="audit_entry_tenant_key"),
                    models.UniqueConstraint(fields=("tenant_id", "seq"), name="audit_entry_order"),
                    models.CheckConstraint(condition=~models.Q(kind=""), name="audit_entry_kind_said"),
                ],
            },
        ),
        migrations.RunSQL(
            "ALTER TABLE audit_entry ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY",
            "ALTER TABLE audit_entry ALTER COLUMN seq DROP IDENTITY",
        ),
        *isolate("audit_entry"),
        *append_only("audit_entry"),
    ]
