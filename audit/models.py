"""The trail's tables."""

import uuid

from django.db import models

from audit.seal_models import Checkpoint, Leaf, Node

__all__ = ["Checkpoint", "Entry", "Leaf", "Node", "Person"]


class Entry(models.Model):
    """One thing that happened: written once, in the transaction that made it so, never changed.

    ``seq`` is numbered by the database: it orders entries as they were inserted, which is not quite the order in
    which they were committed. Rows are inserted by ``audit.trail`` and ``audit_append`` alone. The table is parted
    by months of ``at``, so that in it ``id`` is unique together with ``at``; its column ``xid``, the transaction
    that wrote the row, is read by the sealer and by `audit.following` alone.
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


class Person(models.Model):
    """Whose a tag in a tenant's trail is, with the key of what the trail tells of them; erased, it tells nobody.

    name_digest: of type and id, which may be longer than an index takes. key: sealed with the installation's.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant_id = models.UUIDField(editable=False)
    subject_type = models.TextField(editable=False)
    subject_id = models.TextField(editable=False)
    name_digest = models.BinaryField(editable=False)
    tag = models.TextField(editable=False)
    key = models.BinaryField()
    created_at = models.DateTimeField(editable=False)

    class Meta:
        """One person is made once, however many processes meet them at the same moment."""

        verbose_name_plural = "people"
        constraints = (
            models.UniqueConstraint(fields=("tenant_id", "id"), name="audit_person_tenant_key"),
            models.UniqueConstraint(fields=("tenant_id", "name_digest"), name="audit_person_once"),
            models.UniqueConstraint(fields=("tenant_id", "tag"), name="audit_person_tag_once"),
            models.CheckConstraint(condition=models.Q(tag__regex="^~[0-9a-f]{32}$"), name="audit_person_tag_shape"),
        )

    def __str__(self) -> str:
        """Name the person by the tag."""
        return self.tag
