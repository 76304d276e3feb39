"""Replays: recorded decisions made again, worked out as plans are. The release before this one knows only plans."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """What there is are plans, and goes on being."""

    dependencies = [
        ("decisions", "0002_plans"),
    ]

    operations = [
        migrations.AddField(
            model_name="policyplan",
            name="kind",
            field=models.TextField(choices=[("plan", "Plan"), ("replay", "Replay")], db_default="plan", default="plan"),
        ),
        migrations.AlterField(
            model_name="policyplan",
            name="candidate",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="decisions.policybundle",
            ),
        ),
        migrations.AddConstraint(
            model_name="policyplan",
            constraint=models.CheckConstraint(
                condition=models.Q(kind="plan", candidate__isnull=False)
                | models.Q(kind="replay", candidate__isnull=True, base__isnull=True),
                name="decisions_plan_kind",
            ),
        ),
    ]
