"""How many rules a bundle has, so that no page reads them to count them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """What the release before this one stores is not counted."""

    dependencies = [("decisions", "0005_told_steps")]
    operations = [
        migrations.AddField(model_name="policybundle", name="rules", field=models.PositiveIntegerField(null=True)),
    ]
