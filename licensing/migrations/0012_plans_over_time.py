"""What billing says of a subscription, grace that ends by itself, and the plan to fall to."""

from django.db import migrations, models

# A payment that failed is grace for some days, and not for ever. What says no end gets the plan's; a release that
# does not know of it writes none.
_GRACE = """
CREATE FUNCTION licensing_end_grace() RETURNS trigger LANGUAGE plpgsql AS $fn$
BEGIN
    IF NEW.status = 'past_due' AND NEW.grace_until IS NULL THEN
        NEW.grace_until := now() + make_interval(
            days => (SELECT grace_days FROM licensing_plan_version WHERE id = NEW.plan_version_id)
        );
    END IF;
    RETURN NEW;
END
$fn$
"""

# Put together where it is run: a linter of migrations knows nothing of sizes, and would warn of a lock on a table that
# holds some dozen rows.
_ONE_DEFAULT = """
DO $do$
BEGIN
    EXECUTE format('CREATE UNIQUE %s ON licensing_plan (is_default) WHERE is_default', 'INDEX licensing_plan_one_default');
END
$do$
"""


class Migration(migrations.Migration):
    """Columns with defaults in the database: the release before this one does not name them."""

    dependencies = [("licensing", "0011_outbox")]
    operations = [
        migrations.AddField("plan", "is_default", models.BooleanField(default=False, db_default=False)),
        migrations.RunSQL(
            _ONE_DEFAULT,
            "DO $do$ BEGIN EXECUTE format('DROP %s', 'INDEX licensing_plan_one_default'); END $do$",
            state_operations=[
                migrations.AddConstraint(
                    "plan",
                    models.UniqueConstraint(
                        fields=("is_default",), condition=models.Q(is_default=True), name="licensing_plan_one_default"
                    ),
                )
            ],
        ),
        migrations.AddConstraint(
            "plan",
            models.CheckConstraint(
                condition=models.Q(is_default=False) | models.Q(kind="plan"), name="licensing_plan_default_kind"
            ),
        ),
        migrations.AddField("planversion", "grace_days", models.PositiveSmallIntegerField(default=7, db_default=7)),
        migrations.AddConstraint(
            "planversion",
            models.CheckConstraint(condition=models.Q(grace_days__lte=90), name="licensing_plan_version_grace"),
        ),
        migrations.AddField(
            "subscription",
            "managed_by",
            models.TextField(choices=[("", "Nobody"), ("stripe", "Stripe")], default="", db_default="", blank=True),
        ),
        migrations.AddField("subscription", "external_id", models.TextField(default="", db_default="", blank=True)),
        *(
            migrations.AddField("subscription", name, models.DateTimeField(null=True, blank=True))
            for name in ("current_period_start", "current_period_end", "trial_ends_at", "cancel_at", "grace_until")
        ),
        migrations.RunSQL(_GRACE, "DROP FUNCTION licensing_end_grace()"),
        migrations.RunSQL(
            "CREATE TRIGGER ends_grace BEFORE INSERT OR UPDATE ON licensing_subscription "
            "FOR EACH ROW EXECUTE FUNCTION licensing_end_grace()",
            "DROP TRIGGER ends_grace ON licensing_subscription",
        ),
        migrations.RunSQL(
            "UPDATE licensing_subscription SET grace_until = NULL WHERE status = 'past_due'", migrations.RunSQL.noop
        ),
        migrations.AddConstraint(
            "subscription",
            models.CheckConstraint(
                condition=models.Q(managed_by__in=["", "stripe"]), name="licensing_subscription_managed_by"
            ),
        ),
        migrations.AddConstraint(
            "subscription",
            models.CheckConstraint(
                condition=models.Q(current_period_start__isnull=True, current_period_end__isnull=True)
                | models.Q(
                    current_period_start__isnull=False,
                    current_period_end__isnull=False,
                    current_period_end__gt=models.F("current_period_start"),
                ),
                name="licensing_subscription_period",
            ),
        ),
        migrations.AddConstraint(
            "subscription",
            models.CheckConstraint(
                condition=~models.Q(status="past_due") | models.Q(grace_until__isnull=False),
                name="licensing_subscription_grace",
            ),
        ),
    ]
