"""Plans: what a bundle of rules would have done to recorded decisions."""

import django.db.models.deletion
from django.db import migrations, models

from isolation.migrations_ops import share


class Migration(migrations.Migration):
    """A table that the release before this one does not know."""

    dependencies = [
        ("decisions", "0001_bundles"),
    ]

    operations = [
        migrations.CreateModel(
            name="PolicyPlan",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("days", models.PositiveSmallIntegerField()),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("by", models.TextField()),
                ("asked_at", models.DateTimeField(db_index=True)),
                (
                    "status",
                    models.TextField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                    ),
                ),
                ("lease_until", models.DateTimeField(null=True)),
                ("fence", models.BigIntegerField(default=0)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("done", models.BigIntegerField(default=0)),
                ("total", models.BigIntegerField(default=0)),
                ("state", models.BinaryField(null=True)),
                ("report", models.JSONField(null=True)),
                ("error", models.TextField(default="")),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "base",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="decisions.policybundle",
                    ),
                ),
                (
                    "candidate",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="decisions.policybundle",
                    ),
                ),
            ],
            options={
                "db_table": "decisions_plan",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["waiting", "running"])),
                        fields=("candidate", "base", "days"),
                        name="decisions_plan_open_once",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["waiting", "running", "done", "failed"])),
                        name="decisions_plan_status",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "done"), _negated=True), ("report__isnull", False), _connector="OR"
                        ),
                        name="decisions_plan_reported",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("since__lt", models.F("until"))), name="decisions_plan_window"
                    ),
                ],
            },
        ),
        *share("decisions_plan", writable=True),
    ]
