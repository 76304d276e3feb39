"""What runs as the owner looks names up where nobody else can make any: the temporary schema last."""

from django.db import migrations

# SET search_path FROM CURRENT kept "$user" and left the temporary schema where it always is unless it is named: first.
_AS_OWNER = ("licensing_bump_one(uuid)", "licensing_bump_catalogue()", "licensing_bump_tenants()")


class Migration(migrations.Migration):
    """Settings of functions alone."""

    dependencies = [("licensing", "0004_member_facts")]
    operations = [
        migrations.RunSQL(
            f"ALTER FUNCTION {function} SET search_path = pg_catalog, public, pg_temp", migrations.RunSQL.noop
        )
        for function in _AS_OWNER
    ]
