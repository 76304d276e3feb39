"""Who comes second under a key leaves nothing behind, also where it has more lines than who came first."""

from importlib import import_module
from typing import Final

from django.db import migrations
from django.db.migrations.operations import RunSQL

_BEFORE: Final = import_module("licensing.migrations.0016_usage_functions")._TAKE.replace(  # noqa: SLF001
    "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"
)
_COMMENT: Final = "            -- Somebody else has used the key meanwhile. Both had their first line to write first, so this one has none.\n"
_FORGOTTEN: Final = """
            -- Somebody else has used the key meanwhile. Their use may have fewer lines than this one has written.
            DELETE FROM licensing_usage_entry e WHERE e.tenant_id = p_tenant AND e.usage_id = p_usage;
"""


class Migration(migrations.Migration):
    """The function as before, with one statement more where two are sent at once."""

    dependencies = [("licensing", "0019_later_changes")]
    operations = [RunSQL(_BEFORE.replace(_COMMENT, _FORGOTTEN.lstrip("\n")), _BEFORE)]
