"""Short codes by which somebody finds, on another device, what a program waits for."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models


class DeviceCode(models.Model):
    """One code: of a challenge that a program's session opened, or of an approval (RFC 8628).

    numbers: three, of which the program shows ``number``: whoever typed the code says which.
    interval: seconds between two polls; polled_at: the last one.
    activated_by: the session in which the code and the number were given. denied_at: another number was.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant_id = models.UUIDField(editable=False)
    challenge_id = models.UUIDField(null=True, editable=False)
    approval_id = models.UUIDField(null=True, editable=False)
    subject_type = models.CharField(max_length=64, editable=False)
    subject_id = models.CharField(max_length=255, editable=False)
    digest = models.BinaryField()
    number = models.PositiveSmallIntegerField()
    numbers = ArrayField(models.PositiveSmallIntegerField())
    interval = models.PositiveSmallIntegerField(default=5)
    polled_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField()
    activated_by = models.UUIDField(null=True)
    denied_at = models.DateTimeField(null=True)

    class Meta:
        """What the database itself holds to."""

        db_table = "authlevels_device_code"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "id"], name="device_code_tenant_id"),
            models.UniqueConstraint(fields=["tenant_id", "digest"], name="device_code_once"),
            models.UniqueConstraint(fields=["tenant_id", "challenge_id"], name="device_code_of_challenge"),
            models.UniqueConstraint(fields=["tenant_id", "approval_id"], name="device_code_of_approval"),
            models.CheckConstraint(
                condition=models.Q(challenge_id__isnull=True) ^ models.Q(approval_id__isnull=True),
                name="device_code_of_one_thing",
            ),
            models.CheckConstraint(
                condition=models.Q(activated_by__isnull=True) | models.Q(denied_at__isnull=True),
                name="device_code_denied_is_not_activated",
            ),
        ]

    def __str__(self) -> str:
        return f"a code until {self.expires_at:%Y-%m-%dT%H:%M:%SZ}"
