"""What a recovery code left goes with the list that it was of."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """A column that the release before this one leaves empty: its person uses another code."""

    dependencies = [("authlevels", "0024_untold_ends")]

    operations = [
        migrations.AddField(
            model_name="recoverygrant",
            name="of_list",
            field=models.UUIDField(editable=False, null=True),
        ),
    ]
