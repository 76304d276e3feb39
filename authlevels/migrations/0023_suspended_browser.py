"""A request that waits belongs to the browser that made it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """A column that the release before this one leaves empty: such a row goes on in no browser."""

    dependencies = [("authlevels", "0022_agreed_by_whom")]

    operations = [
        migrations.AddField(model_name="suspendedrequest", name="browser_digest", field=models.BinaryField(null=True)),
    ]
