"""The framework's own tables are read by those who serve: rights that no room's migration gives."""

from django.db import migrations

from isolation.roles import APP_ROLE, SWEEP_ROLE

_TABLES = ", ".join(
    (
        *("django_migrations", "django_content_type", "django_admin_log"),
        *("auth_group", "auth_group_permissions", "auth_permission"),
    )
)


class Migration(migrations.Migration):
    """Said here and not by ALTER DEFAULT PRIVILEGES, so that a table without a grant of its own is seen failing."""

    initial = True
    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("isolation", "0001_roles_and_guards"),
    ]
    operations = [
        migrations.RunSQL(
            f"GRANT SELECT ON {_TABLES} TO {APP_ROLE}, {SWEEP_ROLE}",
            f"REVOKE SELECT ON {_TABLES} FROM {APP_ROLE}, {SWEEP_ROLE}",  # noqa: S608 - the names are constants
        ),
    ]
