"""A check that calls another function must find it while a dump is restored, when no schema is searched."""

from django.db import migrations


class Migration(migrations.Migration):
    """A setting of one function; without it no dump that holds an action could be brought back."""

    dependencies = [("licensing", "0005_fixed_path")]
    operations = [
        migrations.RunSQL(
            "ALTER FUNCTION licensing_are_requirements(jsonb) SET search_path = pg_catalog, public, pg_temp",
            "ALTER FUNCTION licensing_are_requirements(jsonb) RESET search_path",
        )
    ]
