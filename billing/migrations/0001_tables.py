"""Customers, what they pay for, Stripe's events, and the calls that it is owed."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

from isolation.migrations_ops import isolate, share
from isolation.roles import APP_ROLE, SWEEP_ROLE

# An older read must never be stored over a newer one, whoever forgets to ask: neither fence nor counter nor clock
# goes back. Fixed path: a dump must be restorable with no schema searched.
_FORWARD = """
CREATE FUNCTION billing_only_forward() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF NEW.fence < OLD.fence OR NEW.done_seq < OLD.done_seq OR NEW.dirty_seq < OLD.dirty_seq
        OR (OLD.fetched_at IS NOT NULL AND (NEW.fetched_at IS NULL OR NEW.fetched_at < OLD.fetched_at))
    THEN
        RAISE EXCEPTION 'a customer''s counters and clock go forward only' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.tenant_id <> OLD.tenant_id OR NEW.stripe_id <> OLD.stripe_id THEN
        RAISE EXCEPTION 'an account stays its tenant''s' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("licensing", "0010_batches"),
    ]

    operations = [
        migrations.CreateModel(
            name="Cursor",
            fields=[
                ("name", models.TextField(primary_key=True, serialize=False)),
                ("event_id", models.TextField(blank=True, default="")),
                ("checked_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.TextField(primary_key=True, serialize=False)),
                ("kind", models.TextField(choices=[("snapshot", "Snapshot"), ("thin", "Thin")])),
                ("source", models.TextField(choices=[("webhook", "Webhook"), ("cursor", "Cursor")])),
                ("type", models.TextField()),
                ("customer", models.TextField(blank=True, default="")),
                ("object_id", models.TextField(blank=True, default="")),
                ("livemode", models.BooleanField()),
                ("created_at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                ("attempts", models.IntegerField(default=0)),
                ("next_try_at", models.DateTimeField(blank=True, null=True)),
                ("dead_at", models.DateTimeField(blank=True, null=True)),
                ("last_error", models.TextField(blank=True, default="")),
                ("payload", models.JSONField()),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("resolved_at__isnull", True)),
                        fields=["received_at"],
                        name="billing_event_unresolved",
                    ),
                    models.Index(fields=["received_at"], name="billing_event_received"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["snapshot", "thin"])), name="billing_event_kind"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("source__in", ["webhook", "cursor"])), name="billing_event_source"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                ("id", models.TextField(primary_key=True, serialize=False)),
                ("product", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField()),
                (
                    "plan_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="licensing.planversion"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Call",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("operation", models.TextField()),
                ("parameters", models.JSONField()),
                ("purpose", models.TextField()),
                ("created_at", models.DateTimeField()),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("attempts", models.IntegerField(default=0)),
                ("next_try_at", models.DateTimeField()),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                ("dead_at", models.DateTimeField(blank=True, null=True)),
                ("last_error", models.TextField(blank=True, default="")),
                ("answer", models.JSONField(blank=True, null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="licensing.tenant"
                    ),
                ),
            ],
            options={
                "db_table": "billing_outbox",
                "indexes": [
                    models.Index(
                        condition=models.Q(("dead_at__isnull", True), ("done_at__isnull", True)),
                        fields=["next_try_at"],
                        name="billing_outbox_due",
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("tenant", "purpose"), name="billing_outbox_once")],
            },
        ),
        migrations.CreateModel(
            name="Customer",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("stripe_id", models.TextField(unique=True)),
                ("created_at", models.DateTimeField()),
                ("dirty_seq", models.BigIntegerField(default=1)),
                ("done_seq", models.BigIntegerField(default=0)),
                ("dirty_at", models.DateTimeField(blank=True, null=True)),
                ("lease_owner", models.TextField(blank=True, default="")),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("fence", models.BigIntegerField(default=0)),
                ("fetched_at", models.DateTimeField(blank=True, null=True)),
                ("attempts", models.IntegerField(default=0)),
                ("next_try_at", models.DateTimeField(blank=True, null=True)),
                ("dead_at", models.DateTimeField(blank=True, null=True)),
                ("last_error", models.TextField(blank=True, default="")),
                (
                    "tenant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="licensing.tenant"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("dirty_at__isnull", False)),
                        fields=["dirty_at"],
                        name="billing_customer_dirty",
                    ),
                    models.Index(
                        condition=models.Q(("dead_at__isnull", False)), fields=["dead_at"], name="billing_customer_dead"
                    ),
                    models.Index(fields=["fetched_at"], name="billing_customer_fetched"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("done_seq__lte", models.F("dirty_seq"))), name="billing_customer_done"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("dirty_at__isnull", True), ("dirty_seq", models.F("done_seq"))),
                            models.Q(("dirty_at__isnull", False), ("dirty_seq__gt", models.F("done_seq"))),
                            _connector="OR",
                        ),
                        name="billing_customer_dirty_at",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("lease_owner", ""), ("lease_until__isnull", True)),
                            models.Q(("lease_until__isnull", False), models.Q(("lease_owner", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="billing_customer_lease",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("stripe_id__regex", "^[A-Za-z0-9_]{1,255}$")), name="billing_customer_id"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Snapshot",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("fetched_at", models.DateTimeField()),
                ("fence", models.BigIntegerField()),
                ("state", models.JSONField()),
                ("settled", models.JSONField(blank=True, null=True)),
                ("problem", models.TextField(blank=True, default="")),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="licensing.tenant"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("tenant",), name="billing_snapshot_once")],
            },
        ),
        *share("billing_customer", writable=True),
        *share("billing_price", writable=True),
        *share("billing_cursor", writable=True),
        # What events hold is people's; whoever receives one puts it there and reads none.
        migrations.RunSQL(
            f"REVOKE ALL ON billing_event FROM {APP_ROLE}, {SWEEP_ROLE}; "
            f"GRANT SELECT (id), INSERT ON billing_event TO {APP_ROLE}; "
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON billing_event TO {SWEEP_ROLE}",
            f"REVOKE ALL ON billing_event FROM {APP_ROLE}, {SWEEP_ROLE}",
        ),
        *isolate("billing_snapshot"),
        *isolate("billing_outbox"),
        migrations.RunSQL(_FORWARD, "DROP FUNCTION billing_only_forward()"),
        migrations.RunSQL(
            "CREATE TRIGGER only_forward BEFORE UPDATE ON billing_customer "
            "FOR EACH ROW EXECUTE FUNCTION billing_only_forward()",
            "DROP TRIGGER only_forward ON billing_customer",
        ),
    ]
