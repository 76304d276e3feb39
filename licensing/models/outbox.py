"""What the vendor's own systems are to hear of, written in the transaction that makes it so."""

import uuid
from enum import StrEnum

from django.db import models


class EventKind(StrEnum):
    """What an event tells. Add, never rename: receivers compare these."""

    ENTITLEMENTS_CHANGED = "entitlements.changed"
    SUBSCRIPTION_CHANGED = "subscription.changed"
    LIMIT_REACHED = "limit.reached"
    ASSURANCE_CHANGED = "assurance.changed"


class OutboxEvent(models.Model):
    """One event of a tenant; it stands if the change stands.

    snapshot: the version of the tenant's snapshot from which on it is so.
    once: names what is told a single time, however often it happens; "" where each time counts.
    transaction: which transaction of the database wrote it, so that a later change in the same one is told with it.
    handed_out_at: when its deliveries were made; None while nobody looked who wants it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey("licensing.Tenant", on_delete=models.PROTECT, related_name="+")
    kind = models.TextField(choices=[(one.value, one.value) for one in EventKind])
    at = models.DateTimeField()
    snapshot = models.TextField()
    payload = models.JSONField()
    once = models.TextField(default="", blank=True)
    transaction = models.BigIntegerField(editable=False)
    handed_out_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """What is told once is held to that by the database."""

        db_table = "licensing_outbox_event"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "id"), name="licensing_outbox_event_tenant_key"),
            models.UniqueConstraint(
                fields=("tenant", "kind", "once"),
                condition=~models.Q(once=""),
                name="licensing_outbox_event_once",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=[one.value for one in EventKind]),
                name="licensing_outbox_event_kind",
            ),
        )
        indexes = (
            models.Index(fields=("at",), condition=models.Q(handed_out_at=None), name="licensing_outbox_waiting"),
            models.Index(fields=("tenant", "at"), name="licensing_outbox_by_tenant"),
            models.Index(fields=("at",), name="licensing_outbox_by_time"),
        )

    def __str__(self) -> str:
        """Show the kind."""
        return f"{self.kind} at {self.at:%Y-%m-%d %H:%M:%S}"


class ToldStanding(models.Model):
    """What was last told of a tenant's entitlements: what has changed since then is an event that is owed.

    catalogue, generation: the counters of the snapshot that was told. next_change_at: when time alone changes it.
    features: by key, what is granted and what it asks.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey("licensing.Tenant", on_delete=models.PROTECT, related_name="+")
    catalogue = models.BigIntegerField(default=0)
    generation = models.BigIntegerField(default=0)
    features = models.JSONField(default=dict)
    told_at = models.DateTimeField()
    next_change_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """One for a tenant."""

        db_table = "licensing_told_standing"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "id"), name="licensing_told_standing_tenant_key"),
            models.UniqueConstraint(fields=("tenant",), name="licensing_told_standing_once"),
        )

    def __str__(self) -> str:
        """Show when."""
        return f"{self.tenant_id} told at {self.told_at:%Y-%m-%d %H:%M:%S}"
