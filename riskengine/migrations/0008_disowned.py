"""Finds whether a session was said not to be its person's."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """An index that is made beside whoever writes."""

    atomic = False
    dependencies = [("riskengine", "0007_erasing")]
    operations = [
        AddIndexConcurrently(
            model_name="signal",
            index=models.Index(
                condition=models.Q(("kind", "confirmed_not_mine")),
                fields=["tenant", "session_id"],
                name="riskengine_signal_disowned",
            ),
        ),
    ]
