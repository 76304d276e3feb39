"""Whose a tag in the trail is: a row that can be erased beside entries that cannot."""

import uuid

from django.db import migrations, models

from isolation.migrations_ops import isolate
from isolation.roles import APP_ROLE, SWEEP_ROLE


class Migration(migrations.Migration):
    """One table, whose rows are made and deleted; only the sealed key of one is ever changed, by rotation."""

    dependencies = [("audit", "0002_partitions_and_seals")]
    operations = [
        migrations.CreateModel(
            name="Person",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("tenant_id", models.UUIDField(editable=False)),
                ("subject_type", models.TextField(editable=False)),
                ("subject_id", models.TextField(editable=False)),
                ("name_digest", models.BinaryField(editable=False)),
                ("tag", models.TextField(editable=False)),
                ("key", models.BinaryField()),
                ("created_at", models.DateTimeField(editable=False)),
            ],
            options={
                "verbose_name_plural": "people",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "id"), name="audit_person_tenant_key"),
                    models.UniqueConstraint(fields=("tenant_id", "name_digest"), name="audit_person_once"),
                    models.UniqueConstraint(fields=("tenant_id", "tag"), name="audit_person_tag_once"),
                    models.CheckConstraint(
                        condition=models.Q(("tag__regex", "^~[0-9a-f]{32}$")), name="audit_person_tag_shape"
                    ),
                ],
            },
        ),
        *isolate("audit_person"),
        migrations.RunSQL(
            f"REVOKE UPDATE ON audit_person FROM {APP_ROLE}, {SWEEP_ROLE};"
            f" GRANT UPDATE (key) ON audit_person TO {SWEEP_ROLE}",
            migrations.RunSQL.noop,
        ),
    ]
