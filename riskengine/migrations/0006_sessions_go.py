"""When a session was first noted, by which it is let go of: what was medium and never more was never raised."""

from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    """A column that the release before this one neither writes nor reads."""

    dependencies = [("riskengine", "0005_runs")]
    operations = [
        migrations.AddField(model_name="sessionrisk", name="noted_at", field=models.DateTimeField(db_default=Now())),
        migrations.RemoveIndex(model_name="sessionrisk", name="riskengine_session_raised"),
        migrations.AddIndex(
            model_name="sessionrisk", index=models.Index(fields=["noted_at"], name="riskengine_session_noted_at")
        ),
    ]
