"""Bundles of rules, and which was in force since when: nothing in these tables is ever changed."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

from isolation.migrations_ops import append_only, share

_BUNDLE = models.ForeignKey(
    db_index=False,
    null=True,
    on_delete=django.db.models.deletion.PROTECT,
    related_name="+",
    to="decisions.policybundle",
)

# Raising the generation takes the lock of its row first, so that steps are numbered one after the other, and no snapshot
# of the generation is read before the step is there with it. As the owner: who serves requests may not set the counters.
_NUMBER = """
CREATE FUNCTION decisions_number_activation() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $fn$
BEGIN
    PERFORM licensing_bump_one('ffffffff-ffff-ffff-ffff-ffffffffffff');
    SELECT number INTO STRICT NEW.generation FROM licensing_generation
        WHERE scope = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    IF NEW.number <> 1 + coalesce((SELECT max(number) FROM decisions_activation), 0) THEN
        RAISE EXCEPTION 'activation % does not follow the last one', NEW.number
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$fn$
"""


class Migration(migrations.Migration):
    """Three tables that the release before this one does not know."""

    initial = True
    dependencies = [("isolation", "0002_serve"), ("licensing", "0023_first_of_a_period")]
    operations = [
        migrations.CreateModel(
            name="PolicyBundle",
            fields=[
                ("digest", models.TextField(primary_key=True, serialize=False)),
                ("name", models.TextField()),
                ("files", models.JSONField()),
                ("source", models.JSONField(default=dict)),
                ("stored_by", models.TextField()),
                ("stored_at", models.DateTimeField()),
            ],
            options={
                "db_table": "decisions_bundle",
                "constraints": [
                    models.CheckConstraint(condition=Q(digest__regex="^[0-9a-f]{64}$"), name="decisions_bundle_digest")
                ],
            },
        ),
        migrations.CreateModel(
            name="PolicyActivation",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("generation", models.BigIntegerField(editable=False, unique=True)),
                (
                    "step",
                    models.TextField(
                        choices=[
                            ("activate", "Activate"),
                            ("stage", "Stage"),
                            ("withdraw", "Withdraw"),
                            ("roll_back", "Roll Back"),
                        ]
                    ),
                ),
                (
                    "mode",
                    models.TextField(choices=[("none", "none"), ("shadow", "shadow"), ("staged", "staged")]),
                ),
                (
                    "tenants",
                    django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list),
                ),
                ("percent", models.PositiveSmallIntegerField(default=0)),
                ("because", models.TextField()),
                ("by", models.TextField()),
                ("at", models.DateTimeField()),
                ("active", _BUNDLE),
                ("candidate", _BUNDLE.clone()),
                (
                    "returns_to",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="decisions.policyactivation",
                    ),
                ),
            ],
            options={
                "db_table": "decisions_activation",
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(step__in=["activate", "stage", "withdraw", "roll_back"]),
                        name="decisions_activation_step",
                    ),
                    models.CheckConstraint(condition=Q(percent__lte=100), name="decisions_activation_percent"),
                    models.CheckConstraint(
                        condition=Q(mode="none", candidate__isnull=True, tenants__len=0, percent=0)
                        | (
                            Q(mode__in=["shadow", "staged"], candidate__isnull=False)
                            & (Q(percent__gt=0) | Q(tenants__len__gt=0))
                        ),
                        name="decisions_activation_mode",
                    ),
                    models.CheckConstraint(condition=~Q(because="") & ~Q(by=""), name="decisions_activation_told"),
                ],
            },
        ),
        migrations.CreateModel(
            name="BundleSignature",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("publisher", models.TextField()),
                ("signature", models.TextField()),
                ("added_by", models.TextField()),
                ("added_at", models.DateTimeField()),
                (
                    "bundle",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="signatures",
                        to="decisions.policybundle",
                    ),
                ),
            ],
            options={
                "db_table": "decisions_bundle_signature",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("bundle", "publisher", "signature"), name="decisions_bundle_signature_once"
                    )
                ],
            },
        ),
        *(
            operation
            for table in ("decisions_bundle", "decisions_activation", "decisions_bundle_signature")
            for operation in (*share(table, writable=True), *append_only(table))
        ),
        migrations.RunSQL(_NUMBER, "DROP FUNCTION decisions_number_activation()"),
        migrations.RunSQL(
            "CREATE TRIGGER numbered BEFORE INSERT ON decisions_activation "
            "FOR EACH ROW EXECUTE FUNCTION decisions_number_activation()",
            "DROP TRIGGER numbered ON decisions_activation",
        ),
    ]
