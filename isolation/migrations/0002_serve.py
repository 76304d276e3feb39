"""Serve a tenant for the rest of a transaction, from within a statement: one that is a transaction of its own."""

from django.db import migrations

from isolation.roles import TENANT_SETTING

_SERVE = f"""
CREATE FUNCTION isolation_serve(tenant uuid) RETURNS uuid LANGUAGE plpgsql VOLATILE AS $fn$
BEGIN
    PERFORM set_config('{TENANT_SETTING}', tenant::text, true);
    RETURN tenant;
END
$fn$
"""


class Migration(migrations.Migration):
    """A function that nobody calls yet."""

    dependencies = [("isolation", "0001_roles_and_guards")]
    operations = [migrations.RunSQL(_SERVE, "DROP FUNCTION isolation_serve(uuid)")]
