"""Limits that are soft or roll over, counters of what is used, and the ledger of who used it."""

import uuid

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.operations import RunSQL

from isolation.migrations_ops import composite_fk, isolate


class Migration(migrations.Migration):
    """Columns with defaults in the database, and tables, that the release before this one does not know."""

    dependencies = [("licensing", "0014_moving")]
    operations = [
        migrations.AddField(
            model_name="feature",
            name="counts",
            field=models.TextField(blank=True, choices=[("", ""), ("members", "members")], db_default="", default=""),
        ),
        migrations.AddConstraint(
            model_name="feature",
            constraint=models.CheckConstraint(
                condition=models.Q(counts="") | models.Q(counts__in=["members"], kind="limit"),
                name="licensing_feature_counts",
            ),
        ),
        migrations.AddField(
            model_name="planterm",
            name="overage",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="planterm",
            name="rollover",
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name="planterm",
            constraint=models.CheckConstraint(
                condition=models.Q(overage=False, rollover__isnull=True) | models.Q(limit__isnull=False),
                name="licensing_plan_term_soft",
            ),
        ),
        migrations.AddConstraint(
            model_name="planterm",
            constraint=models.CheckConstraint(
                condition=models.Q(rollover__isnull=True) | (models.Q(rollover__gte=0) & ~models.Q(reset_period="")),
                name="licensing_plan_term_rollover",
            ),
        ),
        migrations.CreateModel(
            name="UsageCounter",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("feature", models.TextField()),
                ("period_start", models.DateTimeField()),
                ("period_end", models.DateTimeField(null=True)),
                ("used", models.BigIntegerField(default=0)),
                ("reserved", models.BigIntegerField(default=0)),
                ("carried", models.BigIntegerField(default=0)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licensing.tenant",
                    ),
                ),
            ],
            options={
                "db_table": "licensing_usage_counter",
                "constraints": (
                    models.UniqueConstraint(fields=("tenant", "id"), name="licensing_usage_counter_tenant_key"),
                    models.UniqueConstraint(
                        fields=("tenant", "feature", "period_start"), name="licensing_usage_counter_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(used__gte=0, reserved__gte=0, carried__gte=0),
                        name="licensing_usage_counter_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(period_end__isnull=True) | models.Q(period_end__gt=models.F("period_start")),
                        name="licensing_usage_counter_period",
                    ),
                ),
            },
        ),
        migrations.CreateModel(
            name="UsageEntry",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("usage_id", models.UUIDField()),
                ("line", models.PositiveSmallIntegerField()),
                ("key", models.TextField()),
                ("digest", models.TextField()),
                ("feature", models.TextField()),
                ("quantity", models.BigIntegerField()),
                ("settled", models.BigIntegerField(null=True)),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("consumed", "Consumed"),
                            ("reserved", "Reserved"),
                            ("committed", "Committed"),
                            ("released", "Released"),
                            ("expired", "Expired"),
                        ]
                    ),
                ),
                ("expires_at", models.DateTimeField(null=True)),
                ("decision_id", models.UUIDField(null=True)),
                ("subject_type", models.TextField(default="")),
                ("subject_id", models.TextField(default="")),
                ("at", models.DateTimeField()),
                (
                    "counter",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licensing.usagecounter",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licensing.tenant",
                    ),
                ),
            ],
            options={
                "db_table": "licensing_usage_entry",
                "constraints": (
                    models.UniqueConstraint(fields=("tenant", "id"), name="licensing_usage_entry_tenant_key"),
                    models.UniqueConstraint(fields=("tenant", "key", "line"), name="licensing_usage_entry_once"),
                    models.CheckConstraint(condition=models.Q(quantity__gt=0), name="licensing_usage_entry_quantity"),
                    models.CheckConstraint(
                        condition=models.Q(state__in=["consumed", "reserved", "committed", "released", "expired"]),
                        name="licensing_usage_entry_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(state="consumed", expires_at__isnull=True)
                        | (~models.Q(state="consumed") & models.Q(expires_at__isnull=False)),
                        name="licensing_usage_entry_expires",
                    ),
                ),
                "indexes": (
                    models.Index(fields=("tenant", "usage_id"), name="licensing_usage_entry_use"),
                    models.Index(
                        fields=("tenant", "expires_at"),
                        condition=models.Q(state="reserved"),
                        name="licensing_usage_entry_open",
                    ),
                ),
            },
        ),
        *isolate("licensing_usage_counter"),
        *isolate("licensing_usage_entry"),
        *composite_fk("licensing_usage_entry", "counter_id", "licensing_usage_counter"),
        # A counter is written again and again: room beside it keeps the new version off its indexes.
        RunSQL("ALTER TABLE licensing_usage_counter SET (fillfactor = 50)", RunSQL.noop),
    ]
