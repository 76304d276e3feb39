"""Lists of networks that others know something of."""

import django.db.models.deletion
from django.db import migrations, models

import riskengine.data.models
from isolation.migrations_ops import share


class Migration(migrations.Migration):
    """Two tables that the release before this one does not know."""

    dependencies = [("riskengine", "0003_sessions")]

    operations = [
        migrations.CreateModel(
            name="NetworkList",
            fields=[
                ("name", models.TextField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            ("reputation", "reputation"),
                            ("crowdsec", "crowdsec"),
                            ("tor", "tor"),
                            ("vpn", "vpn"),
                            ("relay", "relay"),
                            ("hosting", "hosting"),
                            ("mobile", "mobile"),
                            ("business", "business"),
                            ("residential", "residential"),
                            ("satellite", "satellite"),
                        ]
                    ),
                ),
                (
                    "mark",
                    models.TextField(
                        choices=[
                            ("listed", "listed"),
                            ("tor", "tor"),
                            ("vpn", "vpn"),
                            ("relay", "relay"),
                            ("hosting", "hosting"),
                            ("mobile", "mobile"),
                            ("business", "business"),
                            ("residential", "residential"),
                            ("satellite", "satellite"),
                        ]
                    ),
                ),
                ("digest", models.TextField()),
                ("networks", models.PositiveIntegerField(default=0)),
                ("as_of", models.DateTimeField()),
                ("imported_at", models.DateTimeField()),
                ("stale_after", models.DurationField()),
                ("source", models.TextField(blank=True, default="")),
                ("licence", models.TextField(blank=True, default="")),
                ("attribution", models.TextField(blank=True, default="")),
                ("version", models.BigIntegerField(default=0)),
                ("ranges", models.BinaryField(default=b"")),
            ],
            options={
                "db_table": "riskengine_list",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "reputation",
                                    "crowdsec",
                                    "tor",
                                    "vpn",
                                    "relay",
                                    "hosting",
                                    "mobile",
                                    "business",
                                    "residential",
                                    "satellite",
                                ],
                            )
                        ),
                        name="riskengine_list_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "mark__in",
                                [
                                    "listed",
                                    "tor",
                                    "vpn",
                                    "relay",
                                    "hosting",
                                    "mobile",
                                    "business",
                                    "residential",
                                    "satellite",
                                ],
                            )
                        ),
                        name="riskengine_list_mark",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("name__regex", "^[a-z0-9][a-z0-9_.-]{0,63}$")), name="riskengine_list_name"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ListedNetwork",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("network", riskengine.data.models.NetworkField()),
                ("until", models.DateTimeField(null=True)),
                (
                    "named_by",
                    models.ForeignKey(
                        db_column="list",
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="riskengine.networklist",
                    ),
                ),
            ],
            options={
                "db_table": "riskengine_listed",
                "constraints": [models.UniqueConstraint(fields=("named_by", "network"), name="riskengine_listed_once")],
            },
        ),
        *share("riskengine_list", writable=True),
        *share("riskengine_listed", writable=True),
    ]
