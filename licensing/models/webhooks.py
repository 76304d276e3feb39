"""Where the vendor's own systems hear of changes, and what was sent there."""

import uuid

from django.db import models
from django.db.models import Q


class Disabled(models.TextChoices):
    """Why nothing is sent to an endpoint."""

    ASKED = "asked"
    FAILING = "failing"
    GONE = "gone"


class WebhookEndpoint(models.Model):
    """A URL of the vendor's that events are sent to: of every tenant, or of one.

    It is never deleted, since deliveries tell of it: removed, it has no secret any more.

    kinds: which events it wants. secret_sealed: what messages are signed with; previous_sealed: what was, and signs
    beside it until previous_until.
    failing_since: when the first of an unbroken row of failures was; None after a success.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    url = models.TextField()
    title = models.TextField(default="", blank=True)
    only_tenant = models.ForeignKey(
        "licensing.Tenant", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    kinds = models.JSONField()
    secret_sealed = models.BinaryField(null=True, blank=True)
    previous_sealed = models.BinaryField(null=True, blank=True)
    previous_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_because = models.TextField(choices=Disabled, default="", blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """What is enabled has a secret; what is disabled says why; what is removed keeps no secret."""

        db_table = "licensing_webhook_endpoint"
        constraints = (
            models.CheckConstraint(
                condition=Q(disabled_at=None, disabled_because="")
                | Q(disabled_at__isnull=False, disabled_because__in=Disabled.values),
                name="licensing_webhook_endpoint_disabled",
            ),
            models.CheckConstraint(
                condition=Q(removed_at=None, secret_sealed__isnull=False)
                | Q(removed_at__isnull=False, disabled_at__isnull=False, secret_sealed=None, previous_sealed=None),
                name="licensing_webhook_endpoint_removed",
            ),
            models.CheckConstraint(
                condition=Q(previous_sealed=None, previous_until=None)
                | Q(previous_sealed__isnull=False, previous_until__isnull=False),
                name="licensing_webhook_endpoint_rolling",
            ),
        )

    def __str__(self) -> str:
        """Show where it is."""
        return self.url


class DeliveryState(models.TextChoices):
    """Where a delivery stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class WebhookDelivery(models.Model):
    """One event on its way to one endpoint.

    lease: names the try under way; only who holds it notes how it ended. attempts: tries since it was last asked for.
    last_status: the endpoint's HTTP status; None where it gave none. last_error: one word for what went wrong.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey("licensing.Tenant", on_delete=models.PROTECT, related_name="+")
    event = models.ForeignKey("licensing.OutboxEvent", on_delete=models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.PROTECT, related_name="deliveries")
    state = models.TextField(choices=DeliveryState, default=DeliveryState.WAITING)
    attempts = models.IntegerField(default=0)
    next_try_at = models.DateTimeField()
    lease = models.UUIDField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    last_tried_at = models.DateTimeField(null=True, blank=True)
    last_status = models.IntegerField(null=True, blank=True)
    last_error = models.TextField(default="", blank=True)
    milliseconds = models.IntegerField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        """An event goes to an endpoint once, however often it is tried."""

        db_table = "licensing_webhook_delivery"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "id"), name="licensing_webhook_delivery_tenant_key"),
            models.UniqueConstraint(fields=("tenant", "event", "endpoint"), name="licensing_webhook_delivery_once"),
            models.CheckConstraint(
                condition=Q(state=DeliveryState.WAITING, ended_at=None)
                | Q(state__in=[DeliveryState.DELIVERED, DeliveryState.GIVEN_UP], ended_at__isnull=False),
                name="licensing_webhook_delivery_state",
            ),
            models.CheckConstraint(
                condition=Q(attempts__gte=0) & (Q(lease=None, leased_until=None) | Q(leased_until__isnull=False)),
                name="licensing_webhook_delivery_lease",
            ),
        )
        indexes = (
            models.Index(
                fields=("endpoint", "next_try_at"),
                condition=Q(state=DeliveryState.WAITING),
                name="licensing_webhook_due",
            ),
            models.Index(fields=("created_at", "id"), name="licensing_webhook_by_time"),
            models.Index(fields=("endpoint", "created_at"), name="licensing_webhook_by_endpoint"),
        )

    def __str__(self) -> str:
        """Show where it stands."""
        return f"{self.state} after {self.attempts}"
