"""What is asked of a person, and what passing it leaves."""

import uuid

from django.db import models

from authlevels.public_ids import challenge_ref, elevation_ref


class Challenge(models.Model):
    """A request to prove more, for one action of one session, bound to what the person sees.

    browser_digest: for an asserted session, the browser that used the hand-off; no other browser may answer.
    refused_at: when the person said that this was not their doing.
    batch: how many such things are to be confirmed at once, and what each is held to; None: this one alone.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant_id = models.UUIDField(editable=False)
    session_id = models.UUIDField(editable=False)
    subject_type = models.CharField(max_length=64, editable=False)
    subject_id = models.CharField(max_length=255, editable=False)
    purpose = models.CharField(max_length=16, editable=False)
    binding = models.CharField(max_length=64, editable=False)
    requirement = models.JSONField(editable=False)
    requirement_digest = models.CharField(max_length=64, editable=False)
    policy_version = models.CharField(max_length=128, editable=False)
    decision_id = models.UUIDField(editable=False)
    action = models.CharField(max_length=128, editable=False)
    resource_type = models.CharField(max_length=128, editable=False)
    resource_id = models.CharField(max_length=512, editable=False)
    display = models.JSONField(editable=False)
    return_to = models.CharField(max_length=2048, blank=True, default="")
    state = models.CharField(max_length=512, blank=True, default="")
    handoff_digest = models.BinaryField(null=True)
    handoff_expires_at = models.DateTimeField(null=True)
    browser_digest = models.BinaryField(null=True)
    batch = models.JSONField(null=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(editable=False)
    closed_at = models.DateTimeField(null=True)
    passed_at = models.DateTimeField(null=True)
    refused_at = models.DateTimeField(null=True)

    class Meta:
        """What the database itself holds to."""

        db_table = "authlevels_challenge"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "id"], name="challenge_tenant_id"),
            models.UniqueConstraint(
                fields=["tenant_id", "session_id", "purpose", "binding", "requirement_digest"],
                name="challenge_equal_open_once",
                condition=models.Q(closed_at__isnull=True),
            ),
            models.CheckConstraint(
                condition=models.Q(purpose__in=["action", "sign_in", "enrol", "recovery"]),
                name="challenge_purpose",
            ),
            models.CheckConstraint(
                condition=models.Q(passed_at__isnull=True) | models.Q(closed_at__isnull=False),
                name="challenge_passed_is_closed",
            ),
            models.CheckConstraint(
                condition=models.Q(refused_at__isnull=True) | models.Q(closed_at__isnull=False, passed_at__isnull=True),
                name="challenge_refused_is_closed",
            ),
        ]

    def __str__(self) -> str:
        return challenge_ref(self.tenant_id, self.id)


class Elevation(models.Model):
    """What a passed challenge leaves: proofs that count inside a scope until an instant.

    used_by: the request that claimed the one use at scope ``transaction``.
    awaits_digest: of the code by which the product says that the browser that began has come back. While it
    is there the elevation does not count; awaits_until: after that it never will.
    uses_allowed, uses: of a declared batch, how often it may be and was used; ``used_at`` is set with the last.
    batch: what each use of a batch is held to; None where there is none.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant_id = models.UUIDField(editable=False)
    session_id = models.UUIDField(editable=False)
    challenge_id = models.UUIDField(editable=False)
    scope = models.CharField(max_length=16, editable=False)
    level = models.CharField(max_length=8, editable=False)
    binding = models.CharField(max_length=64, editable=False)
    action = models.CharField(max_length=128, editable=False)
    resource_type = models.CharField(max_length=128, editable=False)
    resource_id = models.CharField(max_length=512, editable=False)
    policy_version = models.CharField(max_length=128, editable=False)
    created_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(editable=False)
    used_at = models.DateTimeField(null=True)
    used_by = models.CharField(max_length=255, blank=True, default="")
    ended_at = models.DateTimeField(null=True)
    awaits_digest = models.BinaryField(null=True)
    awaits_until = models.DateTimeField(null=True)
    uses_allowed = models.PositiveSmallIntegerField(default=1, db_default=1, editable=False)
    uses = models.PositiveSmallIntegerField(default=0, db_default=0)
    batch = models.JSONField(null=True, editable=False)

    class Meta:
        """What the database itself holds to."""

        db_table = "authlevels_elevation"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "id"], name="elevation_tenant_id"),
            models.UniqueConstraint(fields=["tenant_id", "challenge_id"], name="elevation_once_per_challenge"),
            models.CheckConstraint(
                condition=models.Q(scope__in=["session", "action", "resource", "transaction"]),
                name="elevation_scope",
            ),
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")),
                name="elevation_ends_after_start",
            ),
            models.CheckConstraint(
                condition=models.Q(awaits_digest__isnull=True, awaits_until__isnull=True)
                | models.Q(awaits_digest__isnull=False, awaits_until__isnull=False),
                name="elevation_awaits_until_an_end",
            ),
            models.CheckConstraint(
                condition=models.Q(awaits_digest__isnull=True) | models.Q(used_at__isnull=True),
                name="elevation_awaiting_is_unused",
            ),
            models.CheckConstraint(
                condition=models.Q(uses__lte=models.F("uses_allowed")) & models.Q(uses_allowed__gte=1),
                name="elevation_uses_are_counted",
            ),
        ]
        indexes = [models.Index(fields=["tenant_id", "session_id"], name="elevation_by_session")]

    def __str__(self) -> str:
        return elevation_ref(self.tenant_id, self.id)
