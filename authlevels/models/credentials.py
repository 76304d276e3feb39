"""The keys with which a product's services call."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models


class ServiceCredential(models.Model):
    """A service's key: what it may do, for which tenant, and the digests of its secrets.

    Two secrets are good at once only while a rotation overlaps: the previous one until
    ``previous_until``.

    audiences: for which services it may ask whether a token is still good.
    digest_key: the id of the key that ``secret_digest`` is under; "" where the code before did not write it down.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant_id = models.UUIDField(editable=False)
    name = models.CharField(max_length=100)
    verbs = ArrayField(models.CharField(max_length=64))
    max_level = models.CharField(max_length=8)
    return_to_origins = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    audiences = ArrayField(models.CharField(max_length=255), default=list, db_default=[], blank=True)
    answer_style = models.CharField(max_length=16, default="full")
    secret_digest = models.BinaryField()
    digest_key = models.CharField(max_length=32, default="", db_default="", editable=False)
    previous_digest = models.BinaryField(null=True)
    previous_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=255)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        """What the database itself holds to."""

        db_table = "authlevels_service_credential"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "id"], name="credential_tenant_id"),
            models.UniqueConstraint(fields=["secret_digest"], name="credential_secret_once"),
            models.UniqueConstraint(
                fields=["tenant_id", "name"],
                name="credential_name_once_live",
                condition=models.Q(revoked_at__isnull=True),
            ),
            models.CheckConstraint(
                condition=models.Q(previous_digest__isnull=True, previous_until__isnull=True)
                | models.Q(previous_digest__isnull=False, previous_until__isnull=False),
                name="credential_overlap_has_end",
            ),
            models.CheckConstraint(
                condition=models.Q(max_level__in=["aal1", "aal2", "aal3"]),
                name="credential_level_in_range",
            ),
            models.CheckConstraint(
                condition=models.Q(answer_style__in=["full", "bare"]),
                name="credential_answer_style",
            ),
        ]

    def __str__(self) -> str:
        return self.name
