"""People and what they can show: global tables, since a person may belong to several tenants."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django_otp.models import Device, ThrottlingMixin

ACCOUNT = "account"
"""The subject type of people of our own sign-in; no product may vouch for it."""


class UserManager(BaseUserManager["User"]):
    """Look-ups of people by the key that Django's own commands use."""


class User(AbstractBaseUser):  # type: ignore[django-manager-missing]  # django-otp carries no types
    """A person who can hold factors.

    realm: None for a person of our own sign-in; otherwise the tenant whose product knows the
    person under this id, so that a factor is never shared between two tenants, nor with us.
    sessions_from: sessions that began before are over, in whatever tenant; a changed password sets it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    realm = models.UUIDField(null=True, editable=False)
    subject_type = models.CharField(max_length=64, default=ACCOUNT)
    subject_id = models.CharField(max_length=255)
    email = models.CharField(max_length=254, blank=True, default="")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    sessions_from = models.DateTimeField(null=True)

    # The instant of a sign-in belongs to its session: kept here, one device would freshen another.
    last_login = None
    is_staff = False

    objects = UserManager()

    USERNAME_FIELD = "id"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        """What the database itself holds to."""

        db_table = "authlevels_user"
        constraints = [
            models.UniqueConstraint(
                fields=["realm", "subject_type", "subject_id"],
                name="user_once_per_realm",
                nulls_distinct=False,
            ),
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_once_in_own_sign_in",
                condition=models.Q(realm__isnull=True) & ~models.Q(email=""),
            ),
            models.CheckConstraint(
                condition=models.Q(realm__isnull=True, subject_type=ACCOUNT)
                | (models.Q(realm__isnull=False) & ~models.Q(subject_type=ACCOUNT)),
                name="user_account_only_in_own_sign_in",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject_type}:{self.subject_id}"

    def get_username(self) -> str:
        """Name the person as the operator's pages show them."""
        return self.subject_id

    def get_full_name(self) -> str:
        """Name the person as the operator's pages show them."""
        return self.subject_id


class TotpDevice(ThrottlingMixin, Device):
    """An authenticator app's shared key, encrypted, with the last time step that it was used in.

    last_step only grows, so that no code is accepted twice. ``throttling_failure_count`` is the
    number of failures in a row over all challenges and sessions; nothing but a right code (or
    removing the factor) sets it back.

    ceiling: the highest level that it leads to until the cool-down of the tenant asked about is over, and until
    ``ceiling_until`` where that is set; "" for none. locked_until: too many wrong codes, wherever they were shown.
    replaces: the handle of the factor that goes when this one is confirmed.
    """

    class Algorithm(models.TextChoices):
        """The digests that authenticator apps agree on (RFC 6238 §1.2)."""

        SHA1 = "SHA1"
        SHA256 = "SHA256"

    handle = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    secret_sealed = models.BinaryField()
    algorithm = models.CharField(max_length=8, choices=Algorithm.choices, default=Algorithm.SHA1)
    digits = models.PositiveSmallIntegerField(default=6)
    period = models.PositiveSmallIntegerField(default=30)
    last_step = models.BigIntegerField(default=-1)
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)
    locked_until = models.DateTimeField(null=True)
    ceiling = models.CharField(max_length=8, default="", db_default="", editable=False)
    ceiling_until = models.DateTimeField(null=True, editable=False)
    replaces = models.UUIDField(null=True, editable=False)

    class Meta(Device.Meta):
        """What the database itself holds to."""

        db_table = "authlevels_totpdevice"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(confirmed=False) | models.Q(confirmed_at__isnull=False),
                name="totp_confirmed_has_instant",
            ),
            models.CheckConstraint(
                condition=models.Q(digits__in=[6, 8]) & models.Q(period__gt=0),
                name="totp_shape",
            ),
            models.UniqueConstraint(
                fields=["user"],
                name="totp_one_live_per_person",
                condition=models.Q(confirmed=True, disabled_at__isnull=True),
            ),
        ]

    def verify_token(self, token: Any) -> bool:
        """Answer whether a code is right and unused, and record the attempt.

        Called by ``django_otp.verify_token``, which holds the row's lock.
        """
        from authlevels.totp import verify_locked  # noqa: PLC0415 (the rule reads this table)

        return verify_locked(self, token)


class PasskeyDevice(ThrottlingMixin, Device):
    """A WebAuthn credential: a passkey, a security key, or the authenticator of a device.

    credential_id, public_key: as the authenticator gave them (COSE, RFC 9053). sign_count: the last one shown.
    is_sync_capable: the BE flag of its enrolment, which never changes (WebAuthn Level 3, section 6.1.3).
    is_attested: a configured root vouches for its make. can_verify_user: it verified its user when it was enrolled.
    ceiling, locked_until: as for an authenticator app.
    """

    handle = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    credential_id = models.BinaryField(unique=True, editable=False)
    public_key = models.BinaryField(editable=False)
    sign_count = models.BigIntegerField(default=0)
    aaguid = models.UUIDField(editable=False)
    transports = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    is_sync_capable = models.BooleanField(editable=False)
    is_synced = models.BooleanField(default=False)
    is_attested = models.BooleanField(default=False, editable=False)
    attested_by = models.CharField(max_length=255, blank=True, default="", editable=False)
    can_verify_user = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(editable=False)
    confirmed_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)
    locked_until = models.DateTimeField(null=True)
    ceiling = models.CharField(max_length=8, default="", db_default="", editable=False)
    ceiling_until = models.DateTimeField(null=True, editable=False)

    class Meta(Device.Meta):
        """What the database itself holds to."""

        db_table = "authlevels_passkey"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(confirmed=False) | models.Q(confirmed_at__isnull=False),
                name="passkey_confirmed_has_instant",
            ),
            models.CheckConstraint(condition=models.Q(sign_count__gte=0), name="passkey_count_is_natural"),
            models.CheckConstraint(
                condition=models.Q(is_synced=False) | models.Q(is_sync_capable=True),
                name="passkey_synced_is_able_to",
            ),
        ]


class AttemptCounter(models.Model):
    """How many attempts one account, or one network, has spent. Outlives challenge and session."""

    bucket = models.CharField(max_length=160, unique=True)
    failures = models.PositiveIntegerField(default=0)
    window_started_at = models.DateTimeField()
    locked_until = models.DateTimeField(null=True)

    class Meta:
        """What the database itself holds to."""

        db_table = "authlevels_attempt_counter"

    def __str__(self) -> str:
        return self.bucket
