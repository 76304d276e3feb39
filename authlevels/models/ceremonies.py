"""What was asked of an authenticator, and not answered yet."""

import uuid

from django.db import models


class Ceremony(models.Model):
    """One WebAuthn challenge, which one answer uses up, right or wrong.

    nonce: the random part of what the authenticator signs; the rest says what for, and is computed again from
    what is so when the answer comes (see ``authlevels.ceremonies``).
    challenge_id: the step-up challenge that it answers; NULL for an enrolment.
    """

    class Purpose(models.TextChoices):
        """What the answer is good for, and nothing else."""

        ENROL = "enrol"
        STEP_UP = "step_up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant_id = models.UUIDField(editable=False)
    session_id = models.UUIDField(editable=False)
    challenge_id = models.UUIDField(null=True, editable=False)
    purpose = models.CharField(max_length=16, choices=Purpose.choices, editable=False)
    nonce = models.BinaryField(editable=False)
    created_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(editable=False)
    used_at = models.DateTimeField(null=True)

    class Meta:
        """What the database itself holds to."""

        db_table = "authlevels_ceremony"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "id"], name="ceremony_tenant_id"),
            models.UniqueConstraint(fields=["tenant_id", "nonce"], name="ceremony_nonce_once"),
            models.CheckConstraint(
                condition=models.Q(purpose="enrol", challenge_id__isnull=True)
                | models.Q(purpose="step_up", challenge_id__isnull=False),
                name="ceremony_of_its_purpose",
            ),
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")), name="ceremony_ends_after_start"
            ),
        ]
        indexes = [models.Index(fields=["tenant_id", "session_id"], name="ceremony_by_session")]

    def __str__(self) -> str:
        return f"{self.purpose} of {self.created_at:%Y-%m-%dT%H:%M:%SZ}"
