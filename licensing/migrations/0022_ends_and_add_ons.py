"""Subscriptions that are scheduled to end, and add-ons that were moved to another version."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Columns that may be empty, as the release before this one leaves the one, and never leaves the other."""

    dependencies = [
        ("licensing", "0021_trials_in_the_open"),
    ]

    operations = [
        migrations.AddField(
            model_name="subscriptionaddon",
            name="billed_version",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="licensing.planversion",
            ),
        ),
        migrations.AlterField(
            model_name="pendingchange",
            name="plan_version",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="licensing.planversion"
            ),
        ),
    ]
