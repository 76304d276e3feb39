"""Moving many tenants from one version of a plan to another."""

import uuid

from django.db import models


class PlanMigration(models.Model):
    """A move as it was shown beforehand; what was not shown is not done.

    digest: SHA-256, hex, over what the preview showed. made_at: when it was shown.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    digest = models.TextField(unique=True)
    from_version = models.ForeignKey("licensing.PlanVersion", on_delete=models.PROTECT, related_name="+")
    to_version = models.ForeignKey("licensing.PlanVersion", on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        """Spelled out, for the list of global tables."""

        db_table = "licensing_plan_migration"

    def __str__(self) -> str:
        """Show the digest."""
        return self.digest


class MoveState(models.TextChoices):
    """How far one tenant's move has come; refused: what would happen is not what was shown."""

    PLANNED = "planned"
    MOVED = "moved"
    REFUSED = "refused"


class PlanMigrationTenant(models.Model):
    """One tenant of a move. digest: over what was shown of it. why: why it was refused."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    migration = models.ForeignKey(PlanMigration, on_delete=models.CASCADE, related_name="tenants")
    tenant = models.ForeignKey("licensing.Tenant", on_delete=models.PROTECT, related_name="+")
    digest = models.TextField()
    state = models.TextField(choices=MoveState, default=MoveState.PLANNED)
    why = models.TextField(default="", blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """A tenant is moved once by a move."""

        db_table = "licensing_plan_migration_tenant"
        constraints = (
            models.UniqueConstraint(fields=("migration", "tenant"), name="licensing_plan_migration_tenant_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=MoveState.values), name="licensing_plan_migration_tenant_state"
            ),
            models.CheckConstraint(
                condition=models.Q(state=MoveState.PLANNED) | models.Q(done_at__isnull=False),
                name="licensing_plan_migration_tenant_done",
            ),
        )

    def __str__(self) -> str:
        """Show tenant and state."""
        return f"{self.tenant_id}: {self.state}"
