"""The end of a membership takes what it takes in the order of those who use it: confirmed by oneself, then by others.

Triggers fire by their names. The other way round it and a call that claims both waited for each other, and one failed.
"""

from django.db import migrations


class Migration(migrations.Migration):
    """A trigger's name, which no release asks for."""

    dependencies = [("authlevels", "0025_grant_of_a_list")]

    operations = [
        migrations.RunSQL(
            f"ALTER TRIGGER agreement_ends{when} ON licensing_member RENAME TO ends_agreement{when}",
            f"ALTER TRIGGER ends_agreement{when} ON licensing_member RENAME TO agreement_ends{when}",
        )
        for when in ("", "_meanwhile")
    ]
