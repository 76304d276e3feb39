"""Which tenants there are, and how often what each may use has changed."""

import uuid

from django.db import models


class TenantStatus(models.TextChoices):
    """Whether a tenant is served."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Tenant(models.Model):
    """A customer of the vendor; or the vendor itself, which is tenant zero."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.TextField(unique=True)
    name = models.TextField()
    status = models.TextField(choices=TenantStatus, default=TenantStatus.ACTIVE)
    settings = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        """A slug is lower case, and never reads as an id."""

        constraints = (
            models.CheckConstraint(
                condition=models.Q(slug__regex=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"),
                name="licensing_tenant_slug",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=TenantStatus.values),
                name="licensing_tenant_status",
            ),
        )

    def __str__(self) -> str:
        """Name the tenant as addresses do."""
        return self.slug


class Generation(models.Model):
    """A counter that database triggers bump in the very transaction that changes what it counts.

    One row for each tenant, under its id, and one for the catalogue. A snapshot remembers the two numbers it
    was built from, so that comparing two integers tells whether it still holds.
    """

    scope = models.UUIDField(primary_key=True, editable=False)
    number = models.BigIntegerField(default=0, editable=False)

    def __str__(self) -> str:
        """Show scope and number."""
        return f"{self.scope}: {self.number}"
