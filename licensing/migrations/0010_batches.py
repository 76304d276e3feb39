"""How many things of one action may be confirmed at once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """A column that may be empty: the release before this one neither writes nor reads it."""

    dependencies = [("licensing", "0009_scopes")]
    operations = [
        migrations.AddField(model_name="action", name="batch", field=models.JSONField(blank=True, null=True)),
    ]
