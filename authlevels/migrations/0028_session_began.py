"""When a session began, for rules that mind how old it is."""

from importlib import import_module
from typing import Final

from django.db import migrations

_BEFORE: Final = import_module("authlevels.migrations.0016_factor_life")._SESSION_KNOWN  # noqa: SLF001
_EXPIRES: Final = "'expires_at', s.expires_at,"
_SESSION_KNOWN: Final = _BEFORE.replace(_EXPIRES, f"'created_at', s.created_at, {_EXPIRES}")


class Migration(migrations.Migration):
    """Has the function that a decision reads a session by tell its beginning."""

    dependencies = [("authlevels", "0027_told_once")]

    operations = [migrations.RunSQL(_SESSION_KNOWN, _BEFORE)]
