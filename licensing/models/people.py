"""Who belongs to a tenant, and what their roles let them do."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Role(models.Model):
    """A tenant's own role, or what it adds to a built-in one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey("licensing.Tenant", on_delete=models.PROTECT, related_name="+")
    key = models.TextField()
    privileges = ArrayField(models.TextField(), default=list, blank=True)
    requirement = models.JSONField(null=True, blank=True)

    class Meta:
        """One row a key."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "id"), name="licensing_role_tenant_key"),
            models.UniqueConstraint(fields=("tenant", "key"), name="licensing_role_once"),
        )

    def __str__(self) -> str:
        """Show the key."""
        return self.key


class Member(models.Model):
    """A subject of the product that belongs to a tenant; the ids are the product's own.

    No foreign key to a user: most subjects sign in elsewhere.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey("licensing.Tenant", on_delete=models.PROTECT, related_name="+")
    subject_type = models.TextField()
    subject_id = models.TextField()
    display_name = models.TextField(default="", blank=True)
    roles = ArrayField(models.TextField(), default=list, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        """A subject is a member once."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "id"), name="licensing_member_tenant_key"),
            models.UniqueConstraint(
                fields=("tenant", "subject_type", "subject_id"),
                name="licensing_member_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(subject_type="") & ~models.Q(subject_id=""),
                name="licensing_member_named",
            ),
        )

    def __str__(self) -> str:
        """Show the subject as paths do."""
        return f"{self.subject_type}:{self.subject_id}"
