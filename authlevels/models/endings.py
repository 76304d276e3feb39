"""What the database ended by itself, until the trail was told."""

import uuid

from django.db import models


class UntoldEnd(models.Model):
    """An elevation, or a session of support, that a trigger ended with what it rested on. why: as the trail tells it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant_id = models.UUIDField(editable=False)
    session_id = models.UUIDField(null=True, editable=False)
    elevation_id = models.UUIDField(null=True, editable=False)
    why = models.CharField(max_length=32, editable=False)
    ended_at = models.DateTimeField(editable=False)

    class Meta:
        """What the database itself holds to."""

        db_table = "authlevels_untold_end"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "id"], name="untold_end_tenant_id"),
            models.CheckConstraint(
                condition=models.Q(session_id__isnull=True) ^ models.Q(elevation_id__isnull=True),
                name="untold_end_of_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.why} at {self.ended_at:%Y-%m-%dT%H:%M:%SZ}"
