"""The tables, isolated from the first migration on."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import licensing.models.catalogue
from isolation.migrations_ops import isolate, share

TENANT_TABLES = (
    "licensing_role",
    "licensing_member",
    "licensing_subscription",
    "licensing_subscription_add_on",
    "licensing_override",
    "licensing_requirement_floor",
)
CATALOGUE_TABLES = (
    "licensing_feature",
    "licensing_action",
    "licensing_role_default",
    "licensing_plan",
    "licensing_plan_version",
    "licensing_plan_term",
)


class Migration(migrations.Migration):
    initial = True

    dependencies = [("isolation", "0001_roles_and_guards")]

    operations = [
        migrations.CreateModel(
            name="Generation",
            fields=[
                (
                    "scope",
                    models.UUIDField(editable=False, primary_key=True, serialize=False),
                ),
                ("number", models.BigIntegerField(default=0, editable=False)),
            ],
        ),
        migrations.CreateModel(
            name="Plan",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "kind",
                    models.TextField(choices=[("plan", "Plan"), ("add_on", "Add On")], default="plan"),
                ),
                ("key", models.TextField()),
                ("title", models.TextField(blank=True, default="")),
                ("rank", models.IntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="RoleDefault",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("key", models.TextField(unique=True)),
                (
                    "privileges",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list),
                ),
                ("requirement", models.JSONField(blank=True, null=True)),
            ],
            options={
                "db_table": "licensing_role_default",
            },
        ),
        migrations.CreateModel(
            name="Feature",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("key", models.TextField(unique=True)),
                ("title", models.TextField(blank=True, default="")),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            ("switch", "switch"),
                            ("limit", "limit"),
                            ("config", "config"),
                        ]
                    ),
                ),
                (
                    "sensitivity",
                    models.TextField(
                        choices=[
                            ("standard", "standard"),
                            ("premium", "premium"),
                            ("regulated", "regulated"),
                        ],
                        default="standard",
                    ),
                ),
                ("requirement", models.JSONField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("id", "kind"), name="licensing_feature_id_kind"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["switch", "limit", "config"])),
                        name="licensing_feature_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("sensitivity__in", ["standard", "premium", "regulated"])),
                        name="licensing_feature_sensitivity",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Action",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("name", models.TextField(unique=True)),
                ("title", models.TextField(blank=True, default="")),
                ("resource_type", models.TextField(blank=True, default="")),
                ("privilege", models.TextField()),
                ("environment_aware", models.BooleanField(default=False)),
                ("environments", models.JSONField(blank=True, default=dict)),
                (
                    "binds",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list),
                ),
                (
                    "callers",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        default=licensing.models.catalogue.persons,
                    ),
                ),
                ("needs_highest_held", models.BooleanField(default=False)),
                ("requirement", models.JSONField(blank=True, null=True)),
                (
                    "feature",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="actions",
                        to="licensing.feature",
                    ),
                ),
            ],
            options={
                "db_table": "licensing_action",
            },
        ),
        migrations.CreateModel(
            name="PlanVersion",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "kind",
                    models.TextField(choices=[("plan", "Plan"), ("add_on", "Add On")]),
                ),
                ("number", models.PositiveIntegerField()),
                (
                    "status",
                    models.TextField(
                        choices=[
                            ("draft", "Draft"),
                            ("published", "Published"),
                            ("retired", "Retired"),
                        ],
                        default="draft",
                    ),
                ),
                ("content_hash", models.TextField()),
                ("price_amount", models.BigIntegerField(blank=True, null=True)),
                ("price_currency", models.TextField(blank=True, default="")),
                (
                    "price_interval",
                    models.TextField(
                        blank=True,
                        choices=[
                            ("", "None"),
                            ("month", "Month"),
                            ("year", "Year"),
                            ("once", "Once"),
                        ],
                        default="",
                    ),
                ),
                ("published_at", models.DateTimeField(blank=True, null=True)),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="licensing.plan",
                    ),
                ),
            ],
            options={
                "db_table": "licensing_plan_version",
            },
        ),
        migrations.CreateModel(
            name="PlanTerm",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "feature_kind",
                    models.TextField(
                        choices=[
                            ("switch", "switch"),
                            ("limit", "limit"),
                            ("config", "config"),
                        ]
                    ),
                ),
                ("value", models.JSONField(blank=True, null=True)),
                ("limit", models.BigIntegerField(blank=True, null=True)),
                ("unlimited", models.BooleanField(default=False)),
                (
                    "reset_period",
                    models.TextField(
                        blank=True,
                        choices=[
                            ("", ""),
                            ("day", "day"),
                            ("month", "month"),
                            ("year", "year"),
                            ("billing_period", "billing_period"),
                        ],
                        default="",
                    ),
                ),
                ("requirement", models.JSONField(blank=True, null=True)),
                (
                    "feature",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="terms",
                        to="licensing.feature",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="terms",
                        to="licensing.planversion",
                    ),
                ),
            ],
            options={
                "db_table": "licensing_plan_term",
            },
        ),
        migrations.AddField(
            model_name="plan",
            name="current",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="licensing.planversion",
            ),
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "status",
                    models.TextField(
                        choices=[
                            ("trialing", "Trialing"),
                            ("active", "Active"),
                            ("past_due", "Past Due"),
                            ("paused", "Paused"),
                            ("canceled", "Canceled"),
                        ],
                        default="active",
                    ),
                ),
                ("active_from", models.DateTimeField()),
                ("active_to", models.DateTimeField(blank=True, null=True)),
                (
                    "plan_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licensing.planversion",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Tenant",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("slug", models.TextField(unique=True)),
                ("name", models.TextField()),
                (
                    "status",
                    models.TextField(
                        choices=[
                            ("active", "Active"),
                            ("suspended", "Suspended"),
                            ("closed", "Closed"),
                        ],
                        default="active",
                    ),
                ),
                ("settings", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("slug__regex", "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")),
                        name="licensing_tenant_slug",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["active", "suspended", "closed"])),
                        name="licensing_tenant_status",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SubscriptionAddOn",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "plan_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licensing.planversion",
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="add_ons",
                        to="licensing.subscription",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licensing.tenant",
                    ),
                ),
            ],
            options={
                "db_table": "licensing_subscription_add_on",
            },
        ),
        migrations.AddField(
            model_name="subscription",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="licensing.tenant",
            ),
        ),
        migrations.CreateModel(
            name="Role",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("key", models.TextField()),
                (
                    "privileges",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list),
                ),
                ("requirement", models.JSONField(blank=True, null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licensing.tenant",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RequirementFloor",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("requirement", models.JSONField()),
                ("because", models.TextField(default="")),
                ("raised_at", models.DateTimeField()),
                (
                    "feature",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licensing.feature",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licensing.tenant",
                    ),
                ),
            ],
            options={
                "db_table": "licensing_requirement_floor",
            },
        ),
        migrations.CreateModel(
            name="Override",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("feature_kind", models.TextField()),
                (
                    "effect",
                    models.TextField(
                        choices=[
                            ("inherit", "inherit"),
                            ("value", "value"),
                            ("removed", "removed"),
                        ]
                    ),
                ),
                ("value", models.JSONField(blank=True, null=True)),
                ("limit", models.BigIntegerField(blank=True, null=True)),
                ("unlimited", models.BooleanField(default=False)),
                ("reset_period", models.TextField(blank=True, default="")),
                ("requirement", models.JSONField(blank=True, null=True)),
                ("reason", models.TextField()),
                ("by", models.TextField()),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                (
                    "feature",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licensing.feature",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licensing.tenant",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Member",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("subject_type", models.TextField()),
                ("subject_id", models.TextField()),
                ("display_name", models.TextField(blank=True, default="")),
                (
                    "roles",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list),
                ),
                ("active", models.BooleanField(default=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licensing.tenant",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="planversion",
            constraint=models.UniqueConstraint(fields=("plan", "number"), name="licensing_plan_version_number"),
        ),
        migrations.AddConstraint(
            model_name="planversion",
            constraint=models.UniqueConstraint(fields=("plan", "content_hash"), name="licensing_plan_version_content"),
        ),
        migrations.AddConstraint(
            model_name="planversion",
            constraint=models.UniqueConstraint(fields=("id", "kind"), name="licensing_plan_version_id_kind"),
        ),
        migrations.AddConstraint(
            model_name="planversion",
            constraint=models.UniqueConstraint(fields=("plan", "id"), name="licensing_plan_version_of_plan"),
        ),
        migrations.AddConstraint(
            model_name="planversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["draft", "published", "retired"])),
                name="licensing_plan_version_status",
            ),
        ),
        migrations.AddConstraint(
            model_name="planversion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status", "draft"),
                    ("published_at__isnull", False),
                    _connector="OR",
                ),
                name="licensing_plan_version_published_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="planversion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("price_amount__isnull", True),
                        ("price_currency", ""),
                        ("price_interval", ""),
                    ),
                    models.Q(
                        ("price_amount__gte", 0),
                        ("price_currency__regex", "^[a-z]{3}$"),
                        ("price_interval__in", ("month", "year", "once")),
                    ),
                    _connector="OR",
                ),
                name="licensing_plan_version_price",
            ),
        ),
        migrations.AddConstraint(
            model_name="planterm",
            constraint=models.UniqueConstraint(fields=("version", "feature"), name="licensing_plan_term_once"),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.UniqueConstraint(fields=("kind", "key"), name="licensing_plan_kind_key"),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.UniqueConstraint(fields=("id", "kind"), name="licensing_plan_id_kind"),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["plan", "add_on"])),
                name="licensing_plan_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscriptionaddon",
            constraint=models.UniqueConstraint(
                fields=("tenant", "id"), name="licensing_subscription_add_on_tenant_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="subscriptionaddon",
            constraint=models.UniqueConstraint(
                fields=("subscription", "plan_version"),
                name="licensing_subscription_add_on_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="licensing_subscription_tenant_key"),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        ["trialing", "active", "past_due", "paused", "canceled"],
                    )
                ),
                name="licensing_subscription_status",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("active_to__isnull", True),
                    ("active_to__gt", models.F("active_from")),
                    _connector="OR",
                ),
                name="licensing_subscription_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="role",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="licensing_role_tenant_key"),
        ),
        migrations.AddConstraint(
            model_name="role",
            constraint=models.UniqueConstraint(fields=("tenant", "key"), name="licensing_role_once"),
        ),
        migrations.AddConstraint(
            model_name="requirementfloor",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="licensing_requirement_floor_tenant_key"),
        ),
        migrations.AddConstraint(
            model_name="requirementfloor",
            constraint=models.UniqueConstraint(fields=("tenant", "feature"), name="licensing_requirement_floor_once"),
        ),
        migrations.AddConstraint(
            model_name="override",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="licensing_override_tenant_key"),
        ),
        migrations.AddConstraint(
            model_name="override",
            constraint=models.UniqueConstraint(fields=("tenant", "feature"), name="licensing_override_once"),
        ),
        migrations.AddConstraint(
            model_name="override",
            constraint=models.CheckConstraint(
                condition=models.Q(("effect__in", ["inherit", "value", "removed"])),
                name="licensing_override_effect",
            ),
        ),
        migrations.AddConstraint(
            model_name="override",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason__regex", "\\S"), ("by__regex", "\\S")),
                name="licensing_override_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="member",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="licensing_member_tenant_key"),
        ),
        migrations.AddConstraint(
            model_name="member",
            constraint=models.UniqueConstraint(
                fields=("tenant", "subject_type", "subject_id"),
                name="licensing_member_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="member",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("subject_type", ""), _negated=True),
                    models.Q(("subject_id", ""), _negated=True),
                ),
                name="licensing_member_named",
            ),
        ),
        *(operation for table in TENANT_TABLES for operation in isolate(table)),
        *(operation for table in CATALOGUE_TABLES for operation in share(table, writable=True)),
        *share("licensing_tenant", writable=True),
        *share("licensing_generation", writable=False),
    ]
