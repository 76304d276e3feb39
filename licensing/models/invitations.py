"""Who was asked to join a tenant and has not answered yet."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models


class InvitationEnd(models.TextChoices):
    """How an invitation ended; blank while it is open."""

    NONE = ""
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    EXPIRED = "expired"


class Invitation(models.Model):
    """A seat that is held for somebody until they join, it is taken back, or ``expires_at``.

    address: where it was sent, in lower case; blank once it has ended, since nobody needs it then.
    token_digest: SHA-256, hex, of what shows that one was invited; the token itself is known to nobody but them.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey("licensing.Tenant", on_delete=models.PROTECT, related_name="+")
    address = models.TextField()
    roles = ArrayField(models.TextField(), default=list)
    token_digest = models.TextField()
    by = models.TextField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    end = models.TextField(choices=InvitationEnd, default=InvitationEnd.NONE, blank=True)

    class Meta:
        """An address is invited once at a time."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "id"), name="licensing_invitation_tenant_key"),
            models.UniqueConstraint(fields=("tenant", "token_digest"), name="licensing_invitation_token"),
            models.UniqueConstraint(
                fields=("tenant", "address"), condition=models.Q(end=""), name="licensing_invitation_once"
            ),
            models.CheckConstraint(
                condition=models.Q(end__in=InvitationEnd.values) & (models.Q(end="") | models.Q(address="")),
                name="licensing_invitation_end",
            ),
            models.CheckConstraint(
                condition=~models.Q(end="") | ~models.Q(address=""), name="licensing_invitation_address"
            ),
        )

    def __str__(self) -> str:
        """Show the id: an address is nobody else's business."""
        return str(self.id)
