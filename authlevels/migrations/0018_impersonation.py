"""Sessions in which the vendor's support acts as somebody."""

from datetime import timedelta
from typing import Final

from django.db import migrations, models

_SHAPE: Final = (
    models.Q(kind="own", subject_type="account", secret_digest__isnull=False, impersonator="")
    | (models.Q(kind="asserted", secret_digest__isnull=True, impersonator="") & ~models.Q(subject_type="account"))
    | models.Q(
        kind="impersonated",
        secret_digest__isnull=True,
        impersonator__regex=r"^[a-z][a-z0-9_-]*:.",
        impersonated_for__regex=r"\S",
        expires_at__lte=models.F("created_at") + timedelta(hours=1),
    )
)


class Migration(migrations.Migration):
    """A column, and a wider shape, within which the release before this one writes too."""

    dependencies = [("authlevels", "0017_approvals")]
    operations = [
        migrations.AddField(
            model_name="sessionrow",
            name="impersonated_for",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=500),
        ),
        migrations.AlterField(
            model_name="sessionrow",
            name="kind",
            field=models.CharField(
                choices=[("own", "Own"), ("asserted", "Asserted"), ("impersonated", "Impersonated")],
                editable=False,
                max_length=16,
            ),
        ),
        migrations.RemoveConstraint(model_name="sessionrow", name="session_kind_shape"),
        migrations.AddConstraint(
            model_name="sessionrow",
            constraint=models.CheckConstraint(condition=_SHAPE, name="session_kind_shape"),
        ),
    ]
