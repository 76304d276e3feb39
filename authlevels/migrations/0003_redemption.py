"""An elevation that a hosted page leaves awaits its code, and what was redeemed is not redeemed again."""

from django.db import migrations, models

_KEEP_REDEEMED = """
CREATE FUNCTION authlevels_keep_redeemed() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NEW.awaits_digest IS NOT NULL AND NEW.awaits_digest IS DISTINCT FROM OLD.awaits_digest THEN
        RAISE EXCEPTION 'an elevation is given its code when it is made, once' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$body$;
CREATE TRIGGER keep_redeemed BEFORE UPDATE ON authlevels_elevation
    FOR EACH ROW EXECUTE FUNCTION authlevels_keep_redeemed();
"""


class Migration(migrations.Migration):
    """Columns that may be empty: what is there counts as before, and the release before this one writes none."""

    dependencies = [("authlevels", "0002_guards")]

    operations = [
        migrations.AddField(model_name="elevation", name="awaits_digest", field=models.BinaryField(null=True)),
        migrations.AddField(model_name="elevation", name="awaits_until", field=models.DateTimeField(null=True)),
        migrations.AddConstraint(
            model_name="elevation",
            constraint=models.CheckConstraint(
                condition=models.Q(("awaits_digest__isnull", True), ("awaits_until__isnull", True))
                | models.Q(("awaits_digest__isnull", False), ("awaits_until__isnull", False)),
                name="elevation_awaits_until_an_end",
            ),
        ),
        migrations.AddConstraint(
            model_name="elevation",
            constraint=models.CheckConstraint(
                condition=models.Q(("awaits_digest__isnull", True), ("used_at__isnull", True), _connector="OR"),
                name="elevation_awaiting_is_unused",
            ),
        ),
        migrations.RunSQL(
            _KEEP_REDEEMED,
            "DROP TRIGGER keep_redeemed ON authlevels_elevation; DROP FUNCTION authlevels_keep_redeemed();",
        ),
    ]
