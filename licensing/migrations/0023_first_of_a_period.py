"""Who takes first of a period at the same time as another is not told that the limit is full."""

from importlib import import_module
from typing import Final

from django.db import migrations
from django.db.migrations.operations import RunSQL

_ALONE: Final = import_module("licensing.migrations.0020_key_alone")
_BEFORE: Final = _ALONE.Migration.operations[0].sql
_FULL: Final = "                IF FOUND THEN\n                    stopped := jsonb_build_object('outcome', 'full'"
# The update sees what there was as it began. A counter that somebody has begun since is found by the look after it
# alone, and so is what was given back meanwhile: only what still does not fit is full.
_STILL_FULL: Final = """                CONTINUE WHEN FOUND AND (
                    NOT one.is_hard
                    OR now_taken.used::numeric + now_taken.reserved + one.quantity
                        <= one.most::numeric + now_taken.carried);
"""


class Migration(migrations.Migration):
    """The function as before, which looks again where what it found after the update would fit."""

    dependencies = [("licensing", "0022_ends_and_add_ons")]
    operations = [RunSQL(_BEFORE.replace(_FULL, _STILL_FULL + _FULL), _BEFORE)]
