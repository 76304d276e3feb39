"""Moving many tenants from one version to another, as was shown beforehand."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

from isolation.migrations_ops import share


class Migration(migrations.Migration):
    """A column that may be empty, and two tables that the release before this one does not know."""

    dependencies = [
        ("licensing", "0013_history"),
    ]

    operations = [
        migrations.AddField(
            model_name="subscription",
            name="billed_version",
            field=models.ForeignKey(
                blank=True,
                null=True,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="licensing.planversion",
            ),
        ),
        migrations.CreateModel(
            name="PlanMigration",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("digest", models.TextField(unique=True)),
                ("made_at", models.DateTimeField()),
                (
                    "from_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="licensing.planversion"
                    ),
                ),
                (
                    "to_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="licensing.planversion"
                    ),
                ),
            ],
            options={
                "db_table": "licensing_plan_migration",
            },
        ),
        migrations.CreateModel(
            name="PlanMigrationTenant",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("digest", models.TextField()),
                (
                    "state",
                    models.TextField(
                        choices=[("planned", "Planned"), ("moved", "Moved"), ("refused", "Refused")], default="planned"
                    ),
                ),
                ("why", models.TextField(blank=True, default="")),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                (
                    "migration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tenants",
                        to="licensing.planmigration",
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
                "db_table": "licensing_plan_migration_tenant",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("migration", "tenant"), name="licensing_plan_migration_tenant_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["planned", "moved", "refused"])),
                        name="licensing_plan_migration_tenant_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state", "planned"), ("done_at__isnull", False), _connector="OR"),
                        name="licensing_plan_migration_tenant_done",
                    ),
                ],
            },
        ),
        *(
            one
            for table in ("licensing_plan_migration", "licensing_plan_migration_tenant")
            for one in share(table, writable=True)
        ),
    ]
