"""What a tenant holds: its subscription, add-ons, and what was agreed for it alone."""

import uuid

from django.db import models

from tiergate import OverrideEffect


class SubscriptionStatus(models.TextChoices):
    """Where the tenant stands with paying. Past due is grace, not a lock-out."""

    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    PAUSED = "paused"
    CANCELED = "canceled"


GRANTING = frozenset(
    {
        SubscriptionStatus.TRIALING,
        SubscriptionStatus.ACTIVE,
        SubscriptionStatus.PAST_DUE,
    }
)
"""The statuses in which a subscription's terms hold."""


class ManagedBy(models.TextChoices):
    """Who says what a subscription is; blank: the vendor's own people."""

    NOBODY = ""
    STRIPE = "stripe"


class Subscription(models.Model):
    """The plan version that a tenant is on during a range of time: ``active_from`` in it, ``active_to`` not.

    An exclusion constraint refuses two that overlap, whoever writes them at whatever moment.

    external_id: its id at whoever manages it. current_period_start, current_period_end: what is paid for now.
    billed_version: what billing takes it for, where the tenant was moved to another version since.
    trial_ends_at: read while ``trialing``. grace_until: read while ``past_due``, and then never NULL.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey("licensing.Tenant", on_delete=models.PROTECT, related_name="+")
    plan_version = models.ForeignKey("licensing.PlanVersion", on_delete=models.PROTECT, related_name="+")
    status = models.TextField(choices=SubscriptionStatus, default=SubscriptionStatus.ACTIVE)
    active_from = models.DateTimeField()
    active_to = models.DateTimeField(null=True, blank=True)
    managed_by = models.TextField(choices=ManagedBy, default=ManagedBy.NOBODY, db_default="", blank=True)
    external_id = models.TextField(default="", db_default="", blank=True)
    current_period_start = models.DateTimeField(null=True, blank=True)
    current_period_end = models.DateTimeField(null=True, blank=True)
    trial_ends_at = models.DateTimeField(null=True, blank=True)
    cancel_at = models.DateTimeField(null=True, blank=True)
    grace_until = models.DateTimeField(null=True, blank=True)
    billed_version = models.ForeignKey(
        "licensing.PlanVersion", on_delete=models.PROTECT, null=True, blank=True, db_index=False, related_name="+"
    )

    class Meta:
        """An empty range would be a subscription that never was; grace always has an end."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "id"), name="licensing_subscription_tenant_key"),
            models.CheckConstraint(
                condition=models.Q(managed_by__in=ManagedBy.values),
                name="licensing_subscription_managed_by",
            ),
            models.CheckConstraint(
                condition=models.Q(current_period_start__isnull=True, current_period_end__isnull=True)
                | models.Q(
                    current_period_start__isnull=False,
                    current_period_end__isnull=False,
                    current_period_end__gt=models.F("current_period_start"),
                ),
                name="licensing_subscription_period",
            ),
            models.CheckConstraint(
                condition=~models.Q(status=SubscriptionStatus.PAST_DUE) | models.Q(grace_until__isnull=False),
                name="licensing_subscription_grace",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=SubscriptionStatus.values),
                name="licensing_subscription_status",
            ),
            models.CheckConstraint(
                condition=models.Q(active_to__isnull=True) | models.Q(active_to__gt=models.F("active_from")),
                name="licensing_subscription_range",
            ),
        )

    def __str__(self) -> str:
        """Show version and start."""
        return f"{self.plan_version_id} from {self.active_from:%Y-%m-%d}"


class SubscriptionAddOn(models.Model):
    """An add-on held beside a subscription, for as long as it lasts.

    billed_version: what billing takes it for, where it was moved to another version; NULL for the same.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey("licensing.Tenant", on_delete=models.PROTECT, related_name="+")
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="add_ons")
    plan_version = models.ForeignKey("licensing.PlanVersion", on_delete=models.PROTECT, related_name="+")
    billed_version = models.ForeignKey(
        "licensing.PlanVersion", on_delete=models.PROTECT, null=True, blank=True, db_index=False, related_name="+"
    )

    class Meta:
        """An add-on is held once."""

        db_table = "licensing_subscription_add_on"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "id"), name="licensing_subscription_add_on_tenant_key"),
            models.UniqueConstraint(
                fields=("subscription", "plan_version"),
                name="licensing_subscription_add_on_once",
            ),
        )

    def __str__(self) -> str:
        """Show the version held."""
        return str(self.plan_version_id)


class Override(models.Model):
    """What was agreed with one tenant about one feature, by whom, why, and until when."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey("licensing.Tenant", on_delete=models.PROTECT, related_name="+")
    feature = models.ForeignKey("licensing.Feature", on_delete=models.PROTECT, related_name="+")
    feature_kind = models.TextField()
    effect = models.TextField(choices=[(one.value, one.value) for one in OverrideEffect])
    value = models.JSONField(null=True, blank=True)
    limit = models.BigIntegerField(null=True, blank=True)
    unlimited = models.BooleanField(default=False)
    reset_period = models.TextField(default="", blank=True)
    requirement = models.JSONField(null=True, blank=True)
    reason = models.TextField()
    by = models.TextField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """One for a feature; a reason is always given."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "id"), name="licensing_override_tenant_key"),
            models.UniqueConstraint(fields=("tenant", "feature"), name="licensing_override_once"),
            models.CheckConstraint(
                condition=models.Q(effect__in=[one.value for one in OverrideEffect]),
                name="licensing_override_effect",
            ),
            models.CheckConstraint(
                condition=models.Q(reason__regex=r"\S") & models.Q(by__regex=r"\S"),
                name="licensing_override_reason",
            ),
        )

    def __str__(self) -> str:
        """Show feature and effect."""
        return f"{self.feature_id}: {self.effect}"


class RequirementFloor(models.Model):
    """What a tenant's regulated feature has once asked for, and will not ask less than.

    Written when a change of plan or override would have lowered it; a trigger lets it only rise.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey("licensing.Tenant", on_delete=models.PROTECT, related_name="+")
    feature = models.ForeignKey("licensing.Feature", on_delete=models.PROTECT, related_name="+")
    requirement = models.JSONField()
    because = models.TextField(default="")
    raised_at = models.DateTimeField()

    class Meta:
        """One for a feature."""

        db_table = "licensing_requirement_floor"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "id"), name="licensing_requirement_floor_tenant_key"),
            models.UniqueConstraint(fields=("tenant", "feature"), name="licensing_requirement_floor_once"),
        )

    def __str__(self) -> str:
        """Show the feature."""
        return str(self.feature_id)
