"""The trail's tables."""

import uuid

from django.db import models

from audit.seal_models import Checkpoint, Leaf, Node

__all__ = ["Checkpoint", "Entry", "Leaf", "Node"]


class Entry(models.Model):
    """One thing that happened: written once, in the transaction that made it so, never changed.

    ``seq`` is numbered by the database: it orders entries as they were inserted, which is not quite the order in
    which they were committed. Rows are inserted by ``audit.trail`` and ``audit_append`` alone. The table is parted
    by months of ``at``, so that in it ``id`` is unique together with ``at``; its column ``xid``, the transaction
    that wrote the row, is read by the sealer alone.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant_id = models.UUIDField(editable=False)
    seq = models.BigIntegerField(editable=False)
    kind = models.TextField(editable=False)
    at = models.DateTimeField(editable=False)
    subject_type = models.TextField(editable=False, default="")
    subject_id = models.TextField(editable=False, default="")
    session_id = models.UUIDField(null=True, editable=False)
    payload = models.JSONField(editable=False)

    class Meta:
        """Reads go by tenant, newest or oldest first, and by subject within it."""

        verbose_name_plural = "entries"
        constraints = (
            models.UniqueConstraint(fields=("tenant_id", "seq", "at"), name="audit_entry_order"),
            models.CheckConstraint(condition=~models.Q(kind=""), name="audit_entry_kind_said"),
        )
        indexes = (
            models.Index(
                fields=("tenant_id", "subject_type", "subject_id", "seq"),
                name="audit_entry_by_subject",
            ),
        )

    def __str__(self) -> str:
        """Name the entry by what happened and when."""
        return f"{self.kind} {self.at:%Y-%m-%dT%H:%M:%SZ}"
