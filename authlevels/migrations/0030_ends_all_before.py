"""A session that comes to look riskier ends all that was confirmed in it before that is noted, whenever each began."""

from importlib import import_module
from typing import Final

from django.db import migrations

# A request that began before somebody confirmed may be noted after: by its instant the confirmation would outlive the rise.
_BEFORE: Final = import_module("authlevels.migrations.0029_risk")._ENDS.partition("CREATE TRIGGER")[0].strip()  # noqa: SLF001
_REPLACED: Final = _BEFORE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
_ENDS_ALL: Final = _REPLACED.replace("e.created_at < NEW.raised_at AND ", "")


class Migration(migrations.Migration):
    """Another body for a function that a trigger calls."""

    dependencies = [("authlevels", "0029_risk")]
    operations = [migrations.RunSQL(_ENDS_ALL, _REPLACED)]
