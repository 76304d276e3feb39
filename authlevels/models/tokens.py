"""Tokens that were taken out of elevations, and the keys that sign them."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models

from authlevels.public_ids import token_ref


class SigningKey(models.Model):
    """A key that signs tokens from an instant on, until a newer one does.

    kid: its name in tokens and in the published set (RFC 7517 section 4.5).
    private_sealed: NULL once it signs no longer, so that nobody can use it any more.
    signs_from: some minutes after it was made, so that whoever checks tokens knows it before it signs any.
    revoked_at: from then on no token that it signed is good.
    """

    kid = models.CharField(max_length=64, primary_key=True, editable=False)
    public_jwk = models.JSONField(editable=False)
    private_sealed = models.BinaryField(null=True)
    created_at = models.DateTimeField(editable=False)
    signs_from = models.DateTimeField(editable=False)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        """What the database itself holds to."""

        db_table = "authlevels_signing_key"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(revoked_at__isnull=True) | models.Q(private_sealed__isnull=True),
                name="signing_key_revoked_is_gone",
            ),
            models.CheckConstraint(
                condition=models.Q(signs_from__gte=models.F("created_at")), name="signing_key_signs_once_made"
            ),
        ]

    def __str__(self) -> str:
        return self.kid


class Token(models.Model):
    """A token that was issued: what it is good for, and whether it was given back.

    It rests on an elevation of a session, or on an approval of a service, which has no session.

    claim: under what name it has the one use of a transaction's elevation or approval; "" for any other.
    issued_to: who took it, e.g. ``credential:reports-api``.
    dropped_at, dropped_why: when it ceased to be good before, or at, its end, as the trail tells.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant_id = models.UUIDField(editable=False)
    session_id = models.UUIDField(null=True, editable=False)
    elevation_id = models.UUIDField(null=True, editable=False)
    approval_id = models.UUIDField(null=True, editable=False)
    audience = models.CharField(max_length=255, editable=False)
    scopes = ArrayField(models.CharField(max_length=100), editable=False)
    kid = models.CharField(max_length=64, editable=False)
    claim = models.CharField(max_length=64, blank=True, default="", editable=False)
    issued_to = models.CharField(max_length=320, editable=False)
    issued_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(editable=False)
    dropped_at = models.DateTimeField(null=True)
    dropped_why = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        """What the database itself holds to: no token outlives five minutes, whoever writes it."""

        db_table = "authlevels_token"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "id"], name="token_tenant_id"),
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("issued_at"))
                & models.Q(expires_at__lte=models.F("issued_at") + models.Value("00:05:00", models.DurationField())),
                name="token_lives_five_minutes",
            ),
            models.CheckConstraint(
                condition=models.Q(dropped_at__isnull=True, dropped_why="")
                | (models.Q(dropped_at__isnull=False) & ~models.Q(dropped_why="")),
                name="token_dropped_says_why",
            ),
            models.CheckConstraint(condition=models.Q(scopes__len__gte=1), name="token_is_good_for_something"),
            models.CheckConstraint(
                condition=models.Q(session_id__isnull=False, elevation_id__isnull=False, approval_id__isnull=True)
                | models.Q(session_id__isnull=True, elevation_id__isnull=True, approval_id__isnull=False),
                name="token_rests_on_one_thing",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant_id", "elevation_id"], name="token_by_elevation"),
            models.Index(
                fields=["expires_at"], name="token_to_be_dropped", condition=models.Q(dropped_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return token_ref(self.tenant_id, self.id)
