"""Lets a profile be written beside itself: nothing asks for profiles by their epoch, and an index that changes is written with each."""

from django.db import migrations

_ROOM = "ALTER TABLE riskengine_profile SET (fillfactor = 80)"


class Migration(migrations.Migration):
    dependencies = [
        ("riskengine", "0008_disowned"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="profilerow", name="riskengine_profile_epoch"),
        # Room in its page keeps the new version off the other indexes.
        migrations.RunSQL(_ROOM, "ALTER TABLE riskengine_profile RESET (fillfactor)"),
    ]
