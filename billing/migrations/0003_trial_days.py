"""Checkouts by which a plan is tried before it is paid for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Columns that the release before this one leaves at nothing."""

    dependencies = [
        ("billing", "0002_journeys"),
    ]

    operations = [
        migrations.AddField(
            model_name="checkout",
            name="trial_days",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
    ]
