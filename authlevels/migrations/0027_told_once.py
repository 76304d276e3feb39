"""What a person is told a single time of a kind."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """A column that the release before this one leaves empty."""

    dependencies = [
        ("authlevels", "0026_ends_in_order"),
    ]

    operations = [
        migrations.AddField(
            model_name="notice",
            name="once",
            field=models.CharField(db_default="", default="", editable=False, max_length=64),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.UniqueConstraint(
                condition=models.Q(("once", ""), _negated=True),
                fields=("tenant_id", "subject_type", "subject_id", "kind", "once"),
                name="notice_told_once",
            ),
        ),
    ]
