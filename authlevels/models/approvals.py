"""What other people are asked to agree to, and who did."""

import uuid

from django.conf import settings
from django.db import models

from authlevels.public_ids import approval_ref


class Approval(models.Model):
    """A request that other members agree to one thing of one requester; what they agree to never changes.

    subject_type, subject_id: who wants it; session_id: in which session, None for a service in its own name.
    credential_id: of such a service: a new secret keeps it, another credential of the same name is another's.
    privilege: what whoever agrees has to hold. needed: how many have to.
    requirement: what the refusal asked in whole; those who agree show as much themselves.
    used_by: the request that used it up, where it was for one transaction.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant_id = models.UUIDField(editable=False)
    session_id = models.UUIDField(null=True, editable=False)
    credential_id = models.UUIDField(null=True, editable=False)
    subject_type = models.CharField(max_length=64, editable=False)
    subject_id = models.CharField(max_length=255, editable=False)
    binding = models.CharField(max_length=64, editable=False)
    requirement = models.JSONField(editable=False)
    requirement_digest = models.CharField(max_length=64, editable=False)
    needed = models.PositiveSmallIntegerField(editable=False)
    privilege = models.TextField(editable=False)
    policy_version = models.CharField(max_length=128, editable=False)
    decision_id = models.UUIDField(editable=False)
    action = models.CharField(max_length=128, editable=False)
    resource_type = models.CharField(max_length=128, editable=False)
    resource_id = models.CharField(max_length=512, editable=False)
    display = models.JSONField(editable=False)
    created_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(editable=False)
    refused_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    used_by = models.CharField(max_length=255, blank=True, default="")
    closed_at = models.DateTimeField(null=True)

    class Meta:
        """What the database itself holds to."""

        db_table = "authlevels_approval"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "id"], name="approval_tenant_id"),
            models.UniqueConstraint(
                fields=["tenant_id", "subject_type", "subject_id", "binding", "requirement_digest"],
                name="approval_equal_open_once",
                condition=models.Q(closed_at__isnull=True),
            ),
            models.CheckConstraint(condition=models.Q(needed__gte=1), name="approval_needs_somebody"),
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")),
                name="approval_ends_after_start",
            ),
            models.CheckConstraint(
                condition=models.Q(used_at__isnull=True) | models.Q(refused_at__isnull=True),
                name="approval_refused_is_not_used",
            ),
            models.CheckConstraint(
                condition=models.Q(used_at__isnull=True) | models.Q(closed_at__isnull=False),
                name="approval_used_is_closed",
            ),
            models.CheckConstraint(
                condition=models.Q(session_id__isnull=True) | models.Q(credential_id__isnull=True),
                name="approval_of_person_or_service",
            ),
        ]

    def __str__(self) -> str:
        return approval_ref(self.tenant_id, self.id)


class ApprovalGrant(models.Model):
    """One person's yes to an approval, given in a session of their own after a step-up of their own.

    ended_at: since then it counts no more, for the membership by which it was given is over; the next one may agree anew.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant_id = models.UUIDField(editable=False)
    approval_id = models.UUIDField(editable=False)
    session_id = models.UUIDField(editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False)
    subject_type = models.CharField(max_length=64, editable=False)
    subject_id = models.CharField(max_length=255, editable=False)
    level = models.CharField(max_length=8, editable=False)
    at = models.DateTimeField(editable=False)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """What the database itself holds to."""

        db_table = "authlevels_approval_grant"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "id"], name="approval_grant_tenant_id"),
            models.UniqueConstraint(
                fields=["tenant_id", "approval_id", "user"],
                name="approval_granted_once_by_each",
                condition=models.Q(ended_at__isnull=True),
            ),
            models.UniqueConstraint(
                fields=["tenant_id", "approval_id", "subject_type", "subject_id"],
                name="approval_granted_once_by_each_member",
                condition=models.Q(ended_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject_type}:{self.subject_id} at {self.at:%Y-%m-%dT%H:%M:%SZ}"
