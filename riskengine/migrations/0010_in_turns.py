"""A rise and a confirmation of one session come one after the other, from the first rise on; and each rise ends what was confirmed."""

from importlib import import_module
from typing import Final

from django.db import migrations

_NOTED_BEFORE: Final = import_module("riskengine.migrations.0007_erasing")._NOTED  # noqa: SLF001 - as it was
_REPLACED: Final = _NOTED_BEFORE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")

# Not a row: before the first rise there is none, and neither of the two would find the other.
_HOLD: Final = """
CREATE FUNCTION riskengine_hold_session(tenant uuid, session uuid) RETURNS void LANGUAGE plpgsql VOLATILE AS $fn$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(tenant::text || chr(31) || session::text, 8));
END
$fn$
"""
_BEGIN: Final = "BEGIN\n    INSERT INTO"
_HOLDS: Final = "BEGIN\n    PERFORM riskengine_hold_session(tenant, session);\n    INSERT INTO"
# A request that began before the last rise, and is noted after a confirmation, is a rise too: what ends it looks at this instant.
_GREATEST: Final = "greatest(riskengine_session.raised_at, since)"
_MOVES: Final = """CASE WHEN since IS NULL THEN riskengine_session.raised_at
            ELSE greatest(riskengine_session.raised_at + interval '1 microsecond', since) END"""
_NOTED: Final = _REPLACED.replace(_BEGIN, _HOLDS).replace(_GREATEST, _MOVES)


class Migration(migrations.Migration):
    """A function that the release before this one does not call, and another body for one that it does."""

    dependencies = [("riskengine", "0009_profiles_in_place")]
    operations = [
        migrations.RunSQL(_HOLD, "DROP FUNCTION riskengine_hold_session(uuid, uuid)"),
        migrations.RunSQL(_NOTED, _REPLACED),
    ]
