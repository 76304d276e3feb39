"""Of which version what a session was seen to risk is, so that no older copy of it is believed."""

from importlib import import_module
from typing import Final

from django.db import migrations

_BEFORE: Final = import_module("authlevels.migrations.0029_risk")._SESSION_KNOWN  # noqa: SLF001
_BAND: Final = "'risk_band', coalesce(("
_SESSION_KNOWN: Final = _BEFORE.replace(
    _BAND,
    f"""'risk_version', coalesce((
                    SELECT k.version FROM riskengine_session k WHERE k.tenant_id = tenant AND k.session_id = s.id
                ), 0),
                {_BAND}""",  # noqa: S608 - constant
)


class Migration(migrations.Migration):
    """Has the function that a decision reads a session by tell one more member, which the release before does not read."""

    dependencies = [("authlevels", "0030_ends_all_before")]
    operations = [migrations.RunSQL(_SESSION_KNOWN, _BEFORE)]
