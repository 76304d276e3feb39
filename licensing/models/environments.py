"""Which environments a tenant has, by its own names."""

import uuid

from django.db import models

from tiergate import EnvironmentSensitivity


class Environment(models.Model):
    """An environment as a tenant calls it, and how sensitive it is.

    A tenant that declares none has the three sensitivities under their own names.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey("licensing.Tenant", on_delete=models.PROTECT, related_name="+")
    name = models.TextField()
    sensitivity = models.TextField(choices=[(one.value, one.value) for one in EnvironmentSensitivity])

    class Meta:
        """A name is declared once."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "id"), name="licensing_environment_tenant_key"),
            models.UniqueConstraint(fields=("tenant", "name"), name="licensing_environment_once"),
            models.CheckConstraint(
                condition=models.Q(name__regex=r"^[a-z0-9][a-z0-9_.:-]{0,99}$"),
                name="licensing_environment_name",
            ),
            models.CheckConstraint(
                condition=models.Q(sensitivity__in=[one.value for one in EnvironmentSensitivity]),
                name="licensing_environment_sensitivity",
            ),
        )

    def __str__(self) -> str:
        """Show name and sensitivity."""
        return f"{self.name}: {self.sensitivity}"
