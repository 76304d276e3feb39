"""Which key of the ring a stored digest is under, so that somebody can say when an old key may go."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Columns that the release before this one leaves empty."""

    dependencies = [("authlevels", "0004_session_facts")]
    operations = [
        migrations.AddField(
            model_name=model,
            name="digest_key",
            field=models.CharField(db_default="", default="", editable=False, max_length=32),
        )
        for model in ("servicecredential", "sessionrow")
    ]
