"""Finds the uses of some days."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """An index that is made beside whoever uses."""

    atomic = False
    dependencies = [("licensing", "0025_last_owner")]
    operations = [
        AddIndexConcurrently(
            model_name="usageentry",
            index=models.Index(fields=["tenant", "at"], name="licensing_usage_entry_day"),
        ),
    ]
