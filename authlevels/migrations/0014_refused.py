"""A challenge that the person refused says so; the release before this one never does."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """A column that may be empty, and what it must go with."""

    dependencies = [("authlevels", "0013_tokens")]

    operations = [
        migrations.AddField(model_name="challenge", name="refused_at", field=models.DateTimeField(null=True)),
        migrations.AddConstraint(
            model_name="challenge",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("refused_at__isnull", True),
                    models.Q(("closed_at__isnull", False), ("passed_at__isnull", True)),
                    _connector="OR",
                ),
                name="challenge_refused_is_closed",
            ),
        ),
        migrations.RunSQL(
            "CREATE TRIGGER keep_refused BEFORE UPDATE ON authlevels_challenge "
            "FOR EACH ROW EXECUTE FUNCTION authlevels_keep_end('refused_at')",
            "DROP TRIGGER keep_refused ON authlevels_challenge",
        ),
    ]
