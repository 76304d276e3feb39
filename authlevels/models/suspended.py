"""Requests of a browser that wait for their step-up."""

import uuid

from django.db import models

from authlevels.public_ids import suspended_ref


class SuspendedRequest(models.Model):
    """A browser's request that was refused for want of a proof, kept so that it goes on once afterwards.

    browser_digest: of the mark of the browser that asked; None, from an older release, is no browser's.
        path: with its query, as the browser asked. headers: the few that change what it means, by their names.
    body_sealed: None once it went on, or where there was none. for_page: a page of a browser asked, not its script.
    resumed_at: when it went on; it does not go on again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant_id = models.UUIDField(editable=False)
    session_id = models.UUIDField(editable=False)
    browser_digest = models.BinaryField(null=True)
    decision_id = models.UUIDField(editable=False)
    method = models.CharField(max_length=8, editable=False)
    path = models.CharField(max_length=2048, editable=False)
    content_type = models.CharField(max_length=255, blank=True, default="", editable=False)
    headers = models.JSONField(default=dict, editable=False)
    body_sealed = models.BinaryField(null=True)
    for_page = models.BooleanField(editable=False)
    created_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(editable=False)
    resumed_at = models.DateTimeField(null=True)

    class Meta:
        """What the database itself holds to."""

        db_table = "authlevels_suspended"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "id"], name="suspended_tenant_id"),
            models.CheckConstraint(
                condition=models.Q(method__in=["GET", "POST", "PUT", "PATCH", "DELETE"]), name="suspended_method"
            ),
            models.CheckConstraint(
                condition=models.Q(path__startswith="/") & ~models.Q(path__startswith="//"),
                name="suspended_path_is_ours",
            ),
            models.CheckConstraint(
                condition=models.Q(resumed_at__isnull=True) | models.Q(body_sealed__isnull=True),
                name="suspended_body_goes_with_its_use",
            ),
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")), name="suspended_ends_after_start"
            ),
        ]
        indexes = [models.Index(fields=["tenant_id", "session_id"], name="suspended_by_session")]

    def __str__(self) -> str:
        return suspended_ref(self.tenant_id, self.id)
