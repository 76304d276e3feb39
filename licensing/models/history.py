"""What rows said, and when: kept by triggers, whoever writes."""

import uuid

from django.db import models


class _Remembered(models.Model):
    """One state of one row, for as long as it stood.

    since: when it was written; NULL: it stood already when the history began. until: when it was changed or
    deleted; NULL: it stands.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    table_name = models.TextField()
    row_id = models.UUIDField()
    row = models.JSONField()
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)

    class Meta:
        """No table of its own."""

        abstract = True

    def __str__(self) -> str:
        """Show whose state it is."""
        return f"{self.table_name} {self.row_id}"


class History(_Remembered):
    """A state of what one tenant holds."""

    tenant = models.ForeignKey("licensing.Tenant", on_delete=models.PROTECT, related_name="+")

    class Meta:
        """One state of a row stands."""

        db_table = "licensing_history"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "id"), name="licensing_history_tenant_key"),
            models.UniqueConstraint(
                fields=("tenant", "table_name", "row_id"),
                condition=models.Q(until__isnull=True),
                name="licensing_history_one_stands",
            ),
        )


class CatalogueHistory(_Remembered):
    """A state of the catalogue. Published versions have none: they never change."""

    class Meta:
        """One state of a row stands."""

        db_table = "licensing_catalogue_history"
        constraints = (
            models.UniqueConstraint(
                fields=("table_name", "row_id"),
                condition=models.Q(until__isnull=True),
                name="licensing_catalogue_history_one_stands",
            ),
        )
