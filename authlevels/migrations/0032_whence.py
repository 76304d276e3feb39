"""Finds sessions of which it is kept from where they came."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Indexes that are made beside whoever writes."""

    atomic = False
    dependencies = [("authlevels", "0031_risk_version")]
    operations = [
        AddIndexConcurrently(
            model_name="sessionrow",
            index=models.Index(
                condition=models.Q(("ip__isnull", False)), fields=["created_at"], name="session_with_address"
            ),
        ),
        AddIndexConcurrently(
            model_name="sessionrow",
            index=models.Index(
                condition=models.Q(
                    models.Q(("user_agent", ""), _negated=True),
                    models.Q(("device", ""), _negated=True),
                    _connector="OR",
                ),
                fields=["expires_at"],
                name="session_with_looks",
            ),
        ),
    ]
