"""What a challenge is for that asks for several things at once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """A column that may be empty: the release before this one neither writes nor reads it."""

    dependencies = [("authlevels", "0014_refused")]
    operations = [
        migrations.AddField(model_name="challenge", name="batch", field=models.JSONField(editable=False, null=True)),
    ]
