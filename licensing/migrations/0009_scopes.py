"""What tokens may be good for: scopes of the catalogue, and the actions that each stands for."""

import uuid

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

from isolation.migrations_ops import share

_TABLES = ("licensing_scope", "licensing_scope_action")


def _counted(table: str) -> Operation:
    """Raise the catalogue's generation with every change, as for its other tables."""
    return migrations.RunSQL(
        f"CREATE TRIGGER generation AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION licensing_bump_catalogue()",
        f"DROP TRIGGER generation ON {table}",
    )


class Migration(migrations.Migration):
    """Two tables that the release before this one does not know."""

    dependencies = [("licensing", "0008_environments")]
    operations = [
        migrations.CreateModel(
            name="TokenScope",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.TextField(unique=True)),
                ("title", models.TextField(blank=True, default="")),
            ],
            options={"db_table": "licensing_scope"},
        ),
        migrations.CreateModel(
            name="TokenScopeAction",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "action",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="scopes",
                        to="licensing.action",
                    ),
                ),
                (
                    "scope",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="stands_for",
                        to="licensing.tokenscope",
                    ),
                ),
            ],
            options={
                "db_table": "licensing_scope_action",
                "constraints": [
                    models.UniqueConstraint(fields=("scope", "action"), name="licensing_scope_action_once")
                ],
            },
        ),
        *(operation for table in _TABLES for operation in share(table, writable=True)),
        *(_counted(table) for table in _TABLES),
    ]
