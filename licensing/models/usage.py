"""How much of its limits a tenant has used, and by which requests."""

import uuid

from django.db import models


class UsageCounter(models.Model):
    """How much of one limit is taken in one period. Only the functions of migration 0016 change it.

    feature: by its key, since what was used stays so when a feature goes from the catalogue.
    period_end: NULL where the count never starts again.
    reserved: held by reservations that are still open. carried: what was left of the period before and comes on top.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey("licensing.Tenant", on_delete=models.PROTECT, related_name="+", db_index=False)
    feature = models.TextField()
    period_start = models.DateTimeField()
    period_end = models.DateTimeField(null=True)
    used = models.BigIntegerField(default=0)
    reserved = models.BigIntegerField(default=0)
    carried = models.BigIntegerField(default=0)

    class Meta:
        """Less than nothing is never taken."""

        db_table = "licensing_usage_counter"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "id"), name="licensing_usage_counter_tenant_key"),
            models.UniqueConstraint(fields=("tenant", "feature", "period_start"), name="licensing_usage_counter_once"),
            models.CheckConstraint(
                condition=models.Q(used__gte=0, reserved__gte=0, carried__gte=0),
                name="licensing_usage_counter_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(period_end__isnull=True) | models.Q(period_end__gt=models.F("period_start")),
                name="licensing_usage_counter_period",
            ),
        )

    def __str__(self) -> str:
        """Show feature and period."""
        return f"{self.feature} from {self.period_start:%Y-%m-%d}"


class UsageState(models.TextChoices):
    """What became of a quantity: used at once, or held first and then used, given back, or left until it expired."""

    CONSUMED = "consumed"
    RESERVED = "reserved"
    COMMITTED = "committed"
    RELEASED = "released"
    EXPIRED = "expired"


class UsageEntry(models.Model):
    """One line of one use: how much of one limit a request took, under the key by which it is the same when repeated.

    usage_id: names the whole use, of which this is line number ``line``. digest: of what was asked for under the key.
    settled: how much of what was reserved was used in the end.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Its counter's key says that the tenant exists; another would have every use lock the tenant's row.
    tenant = models.ForeignKey(
        "licensing.Tenant", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    usage_id = models.UUIDField()
    line = models.PositiveSmallIntegerField()
    key = models.TextField()
    digest = models.TextField()
    counter = models.ForeignKey(
        UsageCounter, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    feature = models.TextField()
    quantity = models.BigIntegerField()
    settled = models.BigIntegerField(null=True)
    state = models.TextField(choices=UsageState)
    expires_at = models.DateTimeField(null=True)
    decision_id = models.UUIDField(null=True)
    subject_type = models.TextField(default="")
    subject_id = models.TextField(default="")
    at = models.DateTimeField()

    class Meta:
        """A key is used once by a tenant."""

        db_table = "licensing_usage_entry"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "id"), name="licensing_usage_entry_tenant_key"),
            models.UniqueConstraint(fields=("tenant", "key", "line"), name="licensing_usage_entry_once"),
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="licensing_usage_entry_quantity"),
            models.CheckConstraint(condition=models.Q(state__in=UsageState.values), name="licensing_usage_entry_state"),
            models.CheckConstraint(
                condition=models.Q(state="consumed", expires_at__isnull=True)
                | (~models.Q(state="consumed") & models.Q(expires_at__isnull=False)),
                name="licensing_usage_entry_expires",
            ),
        )
        indexes = (
            models.Index(fields=("tenant", "usage_id"), name="licensing_usage_entry_use"),
            models.Index(fields=("tenant", "at"), name="licensing_usage_entry_day"),
            models.Index(
                fields=("tenant", "expires_at"),
                condition=models.Q(state="reserved"),
                name="licensing_usage_entry_open",
            ),
        )

    def __str__(self) -> str:
        """Show state and quantity."""
        return f"{self.quantity} of {self.feature}, {self.state}"
