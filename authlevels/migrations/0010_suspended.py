"""Requests that wait for a step-up; what went on does not wait again."""

import uuid

from django.db import migrations, models

from isolation.migrations_ops import composite_fk, isolate

_KEEP_RESUMED = """
CREATE TRIGGER keep_end BEFORE UPDATE ON authlevels_suspended
    FOR EACH ROW EXECUTE FUNCTION authlevels_keep_end('resumed_at');
"""


class Migration(migrations.Migration):
    """A table that the release before this one does not know."""

    dependencies = [("authlevels", "0009_factors")]

    operations = [
        migrations.CreateModel(
            name="SuspendedRequest",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField(editable=False)),
                ("session_id", models.UUIDField(editable=False)),
                ("decision_id", models.UUIDField(editable=False)),
                ("method", models.CharField(editable=False, max_length=8)),
                ("path", models.CharField(editable=False, max_length=2048)),
                ("content_type", models.CharField(blank=True, default="", editable=False, max_length=255)),
                ("headers", models.JSONField(default=dict, editable=False)),
                ("body_sealed", models.BinaryField(null=True)),
                ("for_page", models.BooleanField(editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("expires_at", models.DateTimeField(editable=False)),
                ("resumed_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "authlevels_suspended",
                "indexes": [models.Index(fields=["tenant_id", "session_id"], name="suspended_by_session")],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "id"), name="suspended_tenant_id"),
                    models.CheckConstraint(
                        condition=models.Q(("method__in", ["GET", "POST", "PUT", "PATCH", "DELETE"])),
                        name="suspended_method",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("path__startswith", "/"), models.Q(("path__startswith", "//"), _negated=True)
                        ),
                        name="suspended_path_is_ours",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("resumed_at__isnull", True), ("body_sealed__isnull", True), _connector="OR"
                        ),
                        name="suspended_body_goes_with_its_use",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("created_at"))),
                        name="suspended_ends_after_start",
                    ),
                ],
            },
        ),
        *isolate("authlevels_suspended"),
        *composite_fk("authlevels_suspended", "session_id", "authlevels_session"),
        migrations.RunSQL(_KEEP_RESUMED, "DROP TRIGGER keep_end ON authlevels_suspended"),
    ]
