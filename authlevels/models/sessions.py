"""Sessions and the acts of authentication that they rest on."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models

from authlevels.public_ids import session_handle


class SessionRow(models.Model):
    """One subject's presence in one tenant.

    Its level is no column: it is computed from the proofs. ``aal2_since`` and ``aal3_since`` are
    floors: a proof older than the floor no longer counts for that level, because the session lay
    idle in between (NIST SP 800-63B-4 §2.2.3, §2.3.3). ``digest_key`` is the id of the key that
    ``secret_digest`` is under. ``impersonator``: who of the vendor's support acts as this person, as ``type:id``,
    and ``impersonated_for`` why: for an hour at most, and while ``impersonator_session``, their own at tenant zero, lives.
    ``kept_at``: when it outlived what ended the person's other sessions. ``ip``, ``user_agent``, ``device``: as it began; let go of
    after their retention (`forgetting`).
    """

    class Kind(models.TextChoices):
        """Who saw the person sign in."""

        OWN = "own"
        ASSERTED = "asserted"
        IMPERSONATED = "impersonated"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant_id = models.UUIDField(editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False)
    subject_type = models.CharField(max_length=64, editable=False)
    subject_id = models.CharField(max_length=255, editable=False)
    kind = models.CharField(max_length=16, choices=Kind.choices, editable=False)
    issuer = models.CharField(max_length=255, editable=False)
    asserted_by = models.UUIDField(null=True, editable=False)
    secret_digest = models.BinaryField(null=True)
    digest_key = models.CharField(max_length=32, default="", db_default="", editable=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    aal2_since = models.DateTimeField(null=True)
    aal3_since = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    kept_at = models.DateTimeField(null=True)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=512, blank=True, default="")
    device = models.CharField(max_length=255, blank=True, default="")
    impersonator = models.CharField(max_length=320, blank=True, default="", db_default="", editable=False)
    impersonator_session = models.UUIDField(null=True, editable=False)
    impersonated_for = models.CharField(max_length=500, blank=True, default="", db_default="", editable=False)

    class Meta:
        """What the database itself holds to."""

        db_table = "authlevels_session"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "id"], name="session_tenant_id"),
            models.UniqueConstraint(
                fields=["secret_digest"],
                name="session_secret_once",
                condition=models.Q(secret_digest__isnull=False),
            ),
            models.CheckConstraint(
                condition=models.Q(kind="own", subject_type="account", secret_digest__isnull=False, impersonator="")
                | (
                    models.Q(kind="asserted", secret_digest__isnull=True, impersonator="")
                    & ~models.Q(subject_type="account")
                )
                | models.Q(
                    kind="impersonated",
                    secret_digest__isnull=True,
                    impersonator__regex=r"^[a-z][a-z0-9_-]*:.",
                    impersonated_for__regex=r"\S",
                    expires_at__lte=models.F("created_at") + timedelta(hours=1),
                ),
                name="session_kind_shape",
            ),
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")),
                name="session_ends_after_start",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant_id", "subject_type", "subject_id"],
                name="session_by_subject",
            ),
            models.Index(fields=["created_at"], condition=models.Q(ip__isnull=False), name="session_with_address"),
            models.Index(
                fields=["expires_at"],
                condition=~models.Q(user_agent="") | ~models.Q(device=""),
                name="session_with_looks",
            ),
        ]

    def __str__(self) -> str:
        return session_handle(self.id)

    def is_over(self, at: datetime) -> bool:
        """Say whether it was ended, has expired, or its person has no part in it any more."""
        began = self.kept_at or self.created_at
        is_cut_off = self.user.sessions_from is not None and began < self.user.sessions_from
        return self.revoked_at is not None or self.expires_at <= at or is_cut_off or not self.user.is_active


class ProofRow(models.Model):
    """One recorded act of authentication.

    challenge_id: NULL for a sign-in, a reauthentication or an assertion, which count for the whole
    session. Any other proof counts for nothing until its challenge is passed, and then only inside
    the scope of the elevation, while that is live.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant_id = models.UUIDField(editable=False)
    session_id = models.UUIDField(editable=False)
    challenge_id = models.UUIDField(null=True, editable=False)
    elevation_id = models.UUIDField(null=True)
    method = models.CharField(max_length=32, editable=False)
    at = models.DateTimeField(editable=False)
    issuer = models.CharField(max_length=255, editable=False)
    authenticator = models.CharField(max_length=255, editable=False)
    factor_kind = models.CharField(max_length=32, editable=False)
    phishing_resistant = models.BooleanField(default=False, editable=False)
    user_verified = models.BooleanField(default=False, editable=False)
    device_bound = models.BooleanField(default=False, editable=False)
    ceiling = models.CharField(max_length=8, default="", db_default="", editable=False)

    class Meta:
        """What the database itself holds to."""

        db_table = "authlevels_proof"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "id"], name="proof_tenant_id"),
            models.CheckConstraint(
                condition=models.Q(elevation_id__isnull=True) | models.Q(challenge_id__isnull=False),
                name="proof_of_elevation_has_challenge",
            ),
        ]
        indexes = [models.Index(fields=["tenant_id", "session_id"], name="proof_by_session")]

    def __str__(self) -> str:
        return f"{self.method} at {self.at:%Y-%m-%dT%H:%M:%SZ}"
