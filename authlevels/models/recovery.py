"""What lets a person who lost a factor enrol another one in its place."""

import uuid

from django.db import models
from django_otp.models import Device


class RecoveryCodes(Device):
    """A person's list of recovery codes; a new list is a new row. They prove nothing to a challenge.

    pepper_sealed: the key that the codes' digests are under, encrypted, so that it moves with the key ring.
    """

    handle = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    pepper_sealed = models.BinaryField()
    created_at = models.DateTimeField(editable=False)

    class Meta(Device.Meta):
        """What the database itself holds to."""

        db_table = "authlevels_recovery_codes"
        constraints = [models.UniqueConstraint(fields=["user"], name="recovery_one_list_per_person")]


class RecoveryCode(models.Model):
    """One of them, as a keyed digest. used_at: it is good for once."""

    codes = models.ForeignKey(RecoveryCodes, on_delete=models.CASCADE, related_name="+", editable=False)
    digest = models.BinaryField(editable=False)
    used_at = models.DateTimeField(null=True)

    class Meta:
        """What the database itself holds to."""

        db_table = "authlevels_recovery_code"
        constraints = [models.UniqueConstraint(fields=["codes", "digest"], name="recovery_code_once_per_list")]

    def __str__(self) -> str:
        return f"a recovery code of {self.codes_id}"


class RecoveryGrant(models.Model):
    """What a used recovery code leaves: one replacement, in the session that showed it, while its list stands.

    of_list: the handle of that list; NULL for what the release before this one left, which is good for nothing.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant_id = models.UUIDField(editable=False)
    session_id = models.UUIDField(editable=False)
    of_list = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(editable=False)
    used_at = models.DateTimeField(null=True)

    class Meta:
        """What the database itself holds to."""

        db_table = "authlevels_recovery_grant"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")), name="recovery_grant_ends_after_start"
            ),
        ]
        indexes = [models.Index(fields=["tenant_id", "session_id"], name="recovery_grant_by_session")]

    def __str__(self) -> str:
        return f"a replacement in {self.session_id}"
