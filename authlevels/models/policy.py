"""What a tenant wants of its people's factors, and who of them has not enrolled what its plan asks for."""

import uuid
from typing import Final

from django.db import models

DEFAULT_MAX_FAILURES: Final = 10
"""PCI DSS 8.3.4."""
DEFAULT_COOLDOWN: Final = 24 * 60 * 60
DEFAULT_GRACE: Final = 7 * 24 * 60 * 60
LONGEST: Final = 90 * 24 * 60 * 60


class StepUpPolicy(models.Model):
    """One tenant's; a tenant without one has the defaults.

    max_failures: wrong codes in a row before a pause. new_factor_cooldown: seconds for which a new factor leads no
    higher than the session that enrolled it. enrolment_grace: seconds until the plan's level is asked everywhere of
    who cannot reach it. allow_impersonation: the vendor's support may act as a member.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant_id = models.UUIDField(editable=False)
    max_failures = models.PositiveSmallIntegerField(default=DEFAULT_MAX_FAILURES)
    new_factor_cooldown = models.PositiveIntegerField(default=DEFAULT_COOLDOWN)
    enrolment_grace = models.PositiveIntegerField(default=DEFAULT_GRACE)
    allow_impersonation = models.BooleanField(default=True)

    class Meta:
        """What the database itself holds to."""

        db_table = "authlevels_policy"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id"], name="policy_once_per_tenant"),
            # NIST SP 800-63B-4 §3.2.2: never more than a hundred.
            models.CheckConstraint(
                condition=models.Q(max_failures__gte=1, max_failures__lte=100), name="policy_failures_in_range"
            ),
            models.CheckConstraint(
                condition=models.Q(new_factor_cooldown__lte=LONGEST, enrolment_grace__lte=LONGEST),
                name="policy_spans_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"policy of {self.tenant_id}"


class Unready(models.Model):
    """A member whose factors do not reach the level that the tenant's plan asks for, and since when that was seen."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant_id = models.UUIDField(editable=False)
    subject_type = models.CharField(max_length=64, editable=False)
    subject_id = models.CharField(max_length=255, editable=False)
    level = models.CharField(max_length=8)
    since = models.DateTimeField(editable=False)

    class Meta:
        """What the database itself holds to."""

        db_table = "authlevels_unready"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "subject_type", "subject_id"], name="unready_once_per_member"),
        ]

    def __str__(self) -> str:
        return f"{self.subject_type}:{self.subject_id} below {self.level}"
