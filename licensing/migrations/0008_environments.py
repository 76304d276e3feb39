"""Environments that tenants declare."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

from isolation.migrations_ops import isolate

# A snapshot holds what is declared, so each change is counted as any of a tenant's rows is (0003).
_ROWS = {
    "INSERT": "NEW TABLE AS new_rows",
    "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "OLD TABLE AS old_rows",
}


class Migration(migrations.Migration):
    """One table, which the release before this one does not read."""

    dependencies = [("licensing", "0007_member_state")]
    operations = [
        migrations.CreateModel(
            name="Environment",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.TextField()),
                (
                    "sensitivity",
                    models.TextField(
                        choices=[
                            ("development", "development"),
                            ("staging", "staging"),
                            ("production", "production"),
                        ]
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
                    models.UniqueConstraint(fields=("tenant", "id"), name="licensing_environment_tenant_key"),
                    models.UniqueConstraint(fields=("tenant", "name"), name="licensing_environment_once"),
                    models.CheckConstraint(
                        condition=models.Q(name__regex=r"^[a-z0-9][a-z0-9_.:-]{0,99}$"),
                        name="licensing_environment_name",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(sensitivity__in=["development", "staging", "production"]),
                        name="licensing_environment_sensitivity",
                    ),
                ),
            },
        ),
        *isolate("licensing_environment"),
        *(
            migrations.RunSQL(
                f"CREATE TRIGGER generation_{event.lower()} AFTER {event} ON licensing_environment "
                f"REFERENCING {rows} FOR EACH STATEMENT EXECUTE FUNCTION licensing_bump_tenants('tenant_id')",
                f"DROP TRIGGER generation_{event.lower()} ON licensing_environment",
            )
            for event, rows in _ROWS.items()
        ),
    ]
