"""What Northwind keeps: payments approved, and workspaces to be deleted."""

from uuid import uuid4

from django.db import models


class Payment(models.Model):
    """A payment that an owner approved; it is never changed afterwards.

    amount: in minor units, e.g. cents. reference: the workspace's own number of it, paid once.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    tenant_id = models.UUIDField()
    reference = models.CharField(max_length=64)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    payee = models.CharField(max_length=200)
    approved_by = models.CharField(max_length=320)
    approved_at = models.DateTimeField()

    objects: "models.Manager[Payment]" = models.Manager()

    class Meta:
        """One reference is one payment."""

        constraints = (
            models.UniqueConstraint(fields=["tenant_id", "reference"], name="sample_payment_paid_once"),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="sample_payment_amount_positive"),
        )

    def __str__(self) -> str:
        return f"{self.reference}: {self.amount} {self.currency} to {self.payee}"


class Deletion(models.Model):
    """A workspace whose data will be deleted once its owner's time to think again is over."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    tenant_id = models.UUIDField(unique=True)
    asked_by = models.CharField(max_length=320)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()

    objects: "models.Manager[Deletion]" = models.Manager()

    def __str__(self) -> str:
        return f"{self.tenant_id} due {self.due_at}"
