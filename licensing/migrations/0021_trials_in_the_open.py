"""Plans that can be tried, and whose trial one was that began where it is billed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Columns that the release before this one leaves at nothing."""

    dependencies = [
        ("licensing", "0020_key_alone"),
    ]

    operations = [
        migrations.AddField(
            model_name="plan",
            name="trial_days",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="trialuse",
            name="used_by",
            field=models.BinaryField(null=True),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("trial_days", 0),
                    models.Q(("is_default", False), ("kind", "plan"), ("trial_days__lte", 365)),
                    _connector="OR",
                ),
                name="licensing_plan_trial",
            ),
        ),
    ]
