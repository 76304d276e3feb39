"""The room's tables, private to it; other rooms come in by ``riskengine.api``."""

import uuid
from typing import Any, Final

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from riskengine.data import models as _of_networks  # noqa: F401 - Django looks for a room's tables here alone
from riskengine.requirements import Mode

BANDS: Final = ("unknown", "low", "medium", "high", "critical")


class Kind(models.TextChoices):
    """What a signal tells of."""

    SIGN_IN = "sign_in"
    SIGN_IN_FAILED = "sign_in_failed"
    STEP_UP_PASSED = "step_up_passed"
    STEP_UP_FAILED = "step_up_failed"
    SEEN = "seen"
    TOLD = "told"
    CONFIRMED_MINE = "confirmed_mine"
    CONFIRMED_NOT_MINE = "confirmed_not_mine"


def _of_tenant() -> Any:
    return models.ForeignKey("licensing.Tenant", on_delete=models.PROTECT, related_name="+", db_index=False)


class Signal(models.Model):
    """Something that happened, how it looked, and what was made of it; most of them teach what is usual for its person.

    trust: the weight that it teaches with, 0 for nothing. seen: a `seen.Seen`; network: the one of it, for counting.
    ip: NULL where it was never known, and after its retention; the network stays.
    score, band, reasons: of the assessment at that time. folded_at: since when the person's profile holds it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = _of_tenant()
    at = models.DateTimeField()
    subject_type = models.TextField()
    subject_id = models.TextField()
    session_id = models.UUIDField(null=True)
    kind = models.TextField(choices=Kind.choices)
    trust = models.FloatField(default=0.0)
    seen = models.JSONField()
    network = models.TextField(default="", blank=True)
    ip = models.GenericIPAddressField(null=True)
    score = models.FloatField(null=True)
    band = models.TextField(default="unknown")
    reasons = models.JSONField(default=list)
    was_challenged = models.BooleanField(default=False)
    folded_at = models.DateTimeField(null=True)

    class Meta:
        """Found by its person, by what is left to fold, by what failed where, and by when it was."""

        constraints = (
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="riskengine_signal_kind"),
            models.CheckConstraint(condition=Q(trust__gte=0, trust__lte=1), name="riskengine_signal_trust"),
            models.CheckConstraint(condition=Q(band__in=BANDS), name="riskengine_signal_band"),
        )
        indexes = (
            models.Index(fields=("tenant", "subject_type", "subject_id", "at"), name="riskengine_signal_person"),
            models.Index(
                fields=("tenant", "subject_type", "subject_id", "at"),
                condition=Q(folded_at__isnull=True),
                name="riskengine_signal_unfolded",
            ),
            models.Index(fields=("at",), condition=Q(folded_at__isnull=True), name="riskengine_signal_waiting"),
            models.Index(
                fields=("tenant", "network", "at"),
                condition=Q(kind__in=("sign_in_failed", "step_up_failed")) & ~Q(network=""),
                name="riskengine_signal_failed",
            ),
            models.Index(fields=("tenant", "at"), name="riskengine_signal_at"),
            models.Index(fields=("at",), condition=Q(ip__isnull=False), name="riskengine_signal_ip"),
            models.Index(
                fields=("tenant", "session_id"),
                condition=Q(kind="confirmed_not_mine"),
                name="riskengine_signal_disowned",
            ),
        )

    def __str__(self) -> str:
        """Show kind and instant."""
        return f"{self.kind} at {self.at:%Y-%m-%d %H:%M}"


class ProfileRow(models.Model):
    """What is usual for one person in one tenant: folded from their signals, and nowhere else true.

    state: a `stored.Stored`. version: raised by each change. epoch: what its weights are told by.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = _of_tenant()
    subject_type = models.TextField()
    subject_id = models.TextField()
    state = models.BinaryField()
    version = models.BigIntegerField(default=1)
    epoch = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        """One for each person."""

        db_table = "riskengine_profile"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "subject_type", "subject_id"), name="riskengine_profile_person"),
        )

    def __str__(self) -> str:
        """Show whose it is."""
        return f"{self.subject_type}:{self.subject_id}"


class Policy(models.Model):
    """What risk does in one tenant; a tenant without a row has the defaults.

    table: by band and sensitivity the requirement, or nothing. updated_by: who said so.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.OneToOneField("licensing.Tenant", on_delete=models.PROTECT, related_name="+")
    mode = models.TextField(choices=[(one.value, one.value.title()) for one in Mode], default=Mode.ENFORCE.value)
    table = models.JSONField(default=dict, blank=True)
    updated_at = models.DateTimeField()
    updated_by = models.TextField()

    class Meta:
        """One of three modes."""

        db_table = "riskengine_policy"
        constraints = (
            models.CheckConstraint(condition=Q(mode__in=[one.value for one in Mode]), name="riskengine_policy_mode"),
        )

    def __str__(self) -> str:
        """Show the mode."""
        return self.mode


class _Cutoffs(models.Model):
    """From which score on a band begins, and of how many scores that was learned."""

    medium = models.FloatField()
    high = models.FloatField()
    critical = models.FloatField()
    samples = models.BigIntegerField()
    calibrated_at = models.DateTimeField()

    class Meta:
        abstract = True


_IN_ORDER: Final = Q(medium__lte=F("high"), high__lte=F("critical"), samples__gte=0)


class TenantCutoffs(_Cutoffs):
    """Where the bands of one tenant begin, by its own scores."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.OneToOneField("licensing.Tenant", on_delete=models.PROTECT, related_name="+")

    class Meta:
        """A higher band begins no lower."""

        db_table = "riskengine_cutoffs"
        constraints = (models.CheckConstraint(condition=_IN_ORDER, name="riskengine_cutoffs_order"),)

    def __str__(self) -> str:
        """Show where bands begin."""
        return f"{self.medium:.1f}, {self.high:.1f}, {self.critical:.1f}"


class PlatformCutoffs(_Cutoffs):
    """Where bands begin in a tenant that has too few scores of its own: by those of all tenants."""

    id = models.SmallIntegerField(primary_key=True, default=1)

    class Meta:
        """One row."""

        db_table = "riskengine_platform_cutoffs"
        constraints = (
            models.CheckConstraint(condition=_IN_ORDER, name="riskengine_platform_cutoffs_order"),
            models.CheckConstraint(condition=Q(id=1), name="riskengine_platform_cutoffs_one"),
        )

    def __str__(self) -> str:
        """Show where bands begin."""
        return f"{self.medium:.1f}, {self.high:.1f}, {self.critical:.1f}"


class TenantPopulation(models.Model):
    """How usual each value is among the people of one tenant; each of them counts once for a value.

    state: a `population.Counts`, encoded. people: of how many.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.OneToOneField("licensing.Tenant", on_delete=models.PROTECT, related_name="+")
    state = models.BinaryField()
    people = models.BigIntegerField()
    counted_at = models.DateTimeField()

    class Meta:
        """One for each tenant."""

        db_table = "riskengine_population"

    def __str__(self) -> str:
        """Show of how many."""
        return f"{self.people} people"


class PlatformPopulation(models.Model):
    """How usual each value is among the people of all tenants; only what several tenants have is in it."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    state = models.BinaryField()
    people = models.BigIntegerField()
    counted_at = models.DateTimeField()

    class Meta:
        """One row."""

        db_table = "riskengine_platform_population"
        constraints = (models.CheckConstraint(condition=Q(id=1), name="riskengine_platform_population_one"),)

    def __str__(self) -> str:
        """Show of how many."""
        return f"{self.people} people"


class SessionRisk(models.Model):
    """What a session was seen to risk: there once it was medium or riskier.

    band: the highest since its person last confirmed. raised_at: when it last came to look high or critical; proofs from before count
    no more. noted_at: when it first was medium or riskier. looks: by the digest of how the session looked, the band that was seen with
    it. version: raised by each change.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = _of_tenant()
    session_id = models.UUIDField()
    subject_type = models.TextField()
    subject_id = models.TextField()
    band = models.TextField()
    raised_at = models.DateTimeField(null=True)
    noted_at = models.DateTimeField(db_default=Now())
    looks = models.JSONField(default=dict)
    version = models.BigIntegerField(default=1)

    class Meta:
        """One for each session."""

        db_table = "riskengine_session"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "session_id"), name="riskengine_session_once"),
            models.CheckConstraint(condition=Q(band__in=BANDS), name="riskengine_session_band"),
        )
        indexes = (
            models.Index(fields=("tenant", "subject_type", "subject_id"), name="riskengine_session_person"),
            models.Index(fields=("noted_at",), name="riskengine_session_noted_at"),
        )

    def __str__(self) -> str:
        """Show the band and since when."""
        return f"{self.band}, first noted {self.noted_at:%Y-%m-%d %H:%M}"


class Erasure(models.Model):
    """That somebody was erased: what tells of a time up to ``erased_at`` is not taken any more (a trigger sees to that).

    digest: of whom, by `riskengine_person` in the database; gone itself once nothing can be on its way; empty where nobody was
    erased, and Valkey is only to read anew. version: of the profile
    that was erased. clearing: the names of what is to go from Valkey yet; NULL once it is gone.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = _of_tenant()
    digest = models.BinaryField()
    erased_at = models.DateTimeField()
    version = models.BigIntegerField(default=0)
    clearing = models.JSONField(null=True)

    class Meta:
        """Found by its person, by age, and by what is left to do."""

        indexes = (
            models.Index(fields=("tenant", "digest"), name="riskengine_erasure_person"),
            models.Index(fields=("erased_at",), name="riskengine_erasure_at"),
            models.Index(
                fields=("erased_at",), condition=Q(clearing__isnull=False), name="riskengine_erasure_clearing"
            ),
        )

    def __str__(self) -> str:
        """Show when."""
        return f"erased at {self.erased_at:%Y-%m-%d %H:%M}"


class Run(models.Model):
    """One walk through all profiles. rewrites: each is written anew, and not only those that are due.

    total: how many profiles there were as it began. lease_until, fence: who puts the parts together at the end.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    rewrites = models.BooleanField(default=False)
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    total = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)

    class Meta:
        """One at a time."""

        constraints = (
            models.UniqueConstraint(
                fields=("rewrites",), condition=Q(ended_at__isnull=True), name="riskengine_run_open_once"
            ),
        )

    def __str__(self) -> str:
        """Show when it began."""
        return f"{self.begun_at:%Y-%m-%d %H:%M}"


class Part(models.Model):
    """A part of a run: some of one tenant's profiles, by their ids, after ``after`` and up to ``until``.

    Whoever works on it holds it by a lease with a number; only the newest number stores. state: a `counting.Tally` of the
    profiles up to ``after``, stored together with that place. done: how many those were.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = _of_tenant()
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+", db_index=False)
    after = models.UUIDField(null=True)
    until = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    state = models.BinaryField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """Found by its run."""

        indexes = (models.Index(fields=("run", "ended_at"), name="riskengine_part_run"),)

    def __str__(self) -> str:
        """Show how many it has done."""
        return f"{self.done} profiles"
