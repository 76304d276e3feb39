"""What is to become of a subscription later, and who has tried what."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models


class ChangeState(models.TextChoices):
    """Whether a change is still to come."""

    OPEN = "open"
    APPLIED = "applied"
    CANCELLED = "cancelled"


class PendingChange(models.Model):
    """A change of a tenant's plan that waits for its day; what the tenant has holds until then.

    plan_version: NULL where the subscription is to end: the tenant falls to the default plan, or to nothing.
    add_ons: ids of the versions to hold beside the plan. effective_at: when whoever bills is to make it so.
    confirm_by: when it is made so here, though nobody has confirmed it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey("licensing.Tenant", on_delete=models.PROTECT, related_name="+")
    subscription = models.ForeignKey("licensing.Subscription", on_delete=models.PROTECT, related_name="+")
    plan_version = models.ForeignKey("licensing.PlanVersion", on_delete=models.PROTECT, null=True, related_name="+")
    add_ons = ArrayField(models.UUIDField(), default=list)
    effective_at = models.DateTimeField()
    confirm_by = models.DateTimeField()
    by = models.TextField()
    created_at = models.DateTimeField()
    state = models.TextField(choices=ChangeState, default=ChangeState.OPEN)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """One is open at a time: a tenant is on one subscription at a time."""

        db_table = "licensing_pending_change"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "id"), name="licensing_pending_change_tenant_key"),
            models.UniqueConstraint(
                fields=("tenant",), condition=models.Q(state="open"), name="licensing_pending_change_one_open"
            ),
            models.CheckConstraint(
                condition=models.Q(state="open", closed_at__isnull=True)
                | models.Q(state__in=["applied", "cancelled"], closed_at__isnull=False),
                name="licensing_pending_change_state",
            ),
            models.CheckConstraint(
                condition=models.Q(confirm_by__gte=models.F("effective_at")), name="licensing_pending_change_grace"
            ),
        )
        indexes = (
            models.Index(fields=("confirm_by",), condition=models.Q(state="open"), name="licensing_pending_change_due"),
        )

    def __str__(self) -> str:
        """Show when."""
        return f"{self.plan_version_id} on {self.effective_at:%Y-%m-%d}"


class TrialMark(models.TextChoices):
    """By what somebody who tries again is known again."""

    TENANT = "tenant"
    DOMAIN = "domain"
    CARD = "card"


class TrialUse(models.Model):
    """One mark of somebody who has tried a plan: a keyed digest, from which nobody is read.

    used_by: the digest of the subscription that billing tells of, whose trial it is; NULL for one that began here.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    plan = models.ForeignKey("licensing.Plan", on_delete=models.PROTECT, related_name="+")
    mark = models.TextField(choices=TrialMark)
    digest = models.BinaryField()
    used_by = models.BinaryField(null=True)
    used_at = models.DateTimeField()

    class Meta:
        """A plan is tried once."""

        db_table = "licensing_trial_use"
        constraints = (
            models.UniqueConstraint(fields=("plan", "mark", "digest"), name="licensing_trial_use_once"),
            models.CheckConstraint(condition=models.Q(mark__in=TrialMark.values), name="licensing_trial_use_mark"),
        )

    def __str__(self) -> str:
        """Show by what."""
        return str(self.mark)
