"""A session of one tenant is never of a person whom another tenant's product knows."""

from django.db import migrations

# People are in a global table, since those of our own sign-in may belong to many tenants. A product's are of one, and
# no foreign key can say so: their realm is empty for the others.
_KEEP_REALM = """
CREATE FUNCTION authlevels_keep_realm() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF EXISTS (SELECT FROM authlevels_user u
               WHERE u.id = NEW.user_id AND u.realm IS NOT NULL AND u.realm <> NEW.tenant_id) THEN
        RAISE EXCEPTION 'the person is known to another tenant' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$body$;
CREATE TRIGGER keep_realm BEFORE INSERT OR UPDATE OF tenant_id, user_id ON authlevels_session
    FOR EACH ROW EXECUTE FUNCTION authlevels_keep_realm();
"""


class Migration(migrations.Migration):
    """A guard: what the release before this one writes passes it."""

    dependencies = [("authlevels", "0005_digest_key")]
    operations = [
        migrations.RunSQL(
            _KEEP_REALM, "DROP TRIGGER keep_realm ON authlevels_session; DROP FUNCTION authlevels_keep_realm()"
        )
    ]
