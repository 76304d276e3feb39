"""Which promises a step gives up; and what is staged is for some. Steps of before may have been for everybody, and stay."""

import django.contrib.postgres.fields
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    """A step that the release before this one takes gives up nothing that it knows of."""

    dependencies = [
        ("decisions", "0003_replays"),
    ]

    operations = [
        migrations.AddField(
            model_name="policyactivation",
            name="gives_up",
            field=django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), db_default=[], default=list),
        ),
        AddConstraintNotValid(
            model_name="policyactivation",
            constraint=models.CheckConstraint(
                condition=~models.Q(mode="staged", percent=100), name="decisions_activation_staged"
            ),
        ),
    ]
