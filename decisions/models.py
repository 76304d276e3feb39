"""Tables of this room: bundles of rules as they were stored, who signed them, and which were in force since when."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from decisions.policy.stage import ALL, Mode


class Step(models.TextChoices):
    """What was done. stage: a candidate was set beside what is active; withdraw: it was taken away."""

    ACTIVATE = "activate"
    STAGE = "stage"
    WITHDRAW = "withdraw"
    ROLL_BACK = "roll_back"


class PolicyBundle(models.Model):
    """A bundle as its publisher gave it: never changed, never deleted.

    digest: names what it says, in hex. files: text by path. source: where it stood in git, as whoever stored it said:
    repository, commit, author; empty where they said nothing. rules: how many; None: it was stored before they were counted.
    """

    digest = models.TextField(primary_key=True)
    name = models.TextField()
    files = models.JSONField()
    source = models.JSONField(default=dict)
    rules = models.PositiveIntegerField(null=True)
    stored_by = models.TextField()
    stored_at = models.DateTimeField()

    class Meta:
        """Named by its content."""

        db_table = "decisions_bundle"
        constraints = (
            models.CheckConstraint(condition=models.Q(digest__regex="^[0-9a-f]{64}$"), name="decisions_bundle_digest"),
        )

    def __str__(self) -> str:
        """Show name and digest."""
        return f"{self.name} {self.digest[:12]}"


class BundleSignature(models.Model):
    """One publisher's signature of a bundle: a bundle may get another when a publisher's key is changed.

    signature: base64 of an Ed25519 signature.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    bundle = models.ForeignKey(PolicyBundle, on_delete=models.PROTECT, related_name="signatures")
    publisher = models.TextField()
    signature = models.TextField()
    added_by = models.TextField()
    added_at = models.DateTimeField()

    class Meta:
        """Each signature once."""

        db_table = "decisions_bundle_signature"
        constraints = (
            models.UniqueConstraint(
                fields=("bundle", "publisher", "signature"), name="decisions_bundle_signature_once"
            ),
        )

    def __str__(self) -> str:
        """Show who signed what."""
        return f"{self.publisher}: {self.bundle_id[:12]}"


class PolicyActivation(models.Model):
    """A step, and what is in force from then on until the next: the newest row is the stage of now. Append-only.

    number: from 1, without gaps. generation: the catalogue's that the step has made, so that for each snapshot it is
    written here which bundle it goes with; given by trigger. returns_to: the step whose active bundle a roll-back from
    here brings back; None: to none. gives_up: what was promised by what was in force, and is no more from then on: ids.
    waives: what its bundle promises, was not proved, and stands on somebody's word: promise, owner, until, because.
    """

    number = models.BigIntegerField(primary_key=True)
    generation = models.BigIntegerField(unique=True, editable=False)
    step = models.TextField(choices=Step)
    active = models.ForeignKey(PolicyBundle, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    candidate = models.ForeignKey(PolicyBundle, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    mode = models.TextField(choices=[(one.value, one.value) for one in Mode])
    tenants = ArrayField(models.UUIDField(), default=list)
    percent = models.PositiveSmallIntegerField(default=0)
    returns_to = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    gives_up = ArrayField(models.TextField(), default=list, db_default=[])
    waives = models.JSONField(default=list, db_default=[])
    because = models.TextField()
    by = models.TextField()
    at = models.DateTimeField()

    class Meta:
        """What is none of a stage cannot be written."""

        db_table = "decisions_activation"
        constraints = (
            models.CheckConstraint(condition=models.Q(step__in=Step.values), name="decisions_activation_step"),
            models.CheckConstraint(condition=models.Q(percent__lte=ALL), name="decisions_activation_percent"),
            models.CheckConstraint(
                condition=models.Q(mode=Mode.NONE, candidate__isnull=True, tenants__len=0, percent=0)
                | (
                    models.Q(mode__in=[Mode.SHADOW, Mode.STAGED], candidate__isnull=False)
                    & (models.Q(percent__gt=0) | models.Q(tenants__len__gt=0))
                ),
                name="decisions_activation_mode",
            ),
            models.CheckConstraint(
                condition=~models.Q(mode=Mode.STAGED, percent=ALL), name="decisions_activation_staged"
            ),
            models.CheckConstraint(
                condition=~models.Q(because="") & ~models.Q(by=""), name="decisions_activation_told"
            ),
        )

    def __str__(self) -> str:
        """Show number and what is active."""
        return f"{self.number}: {(self.active_id or 'none')[:12]}"


class PlanStatus(models.TextChoices):
    """How far a plan has come."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class PlanKind(models.TextChoices):
    """What is worked out of recorded decisions: what a candidate would have done to them, or whether they come out again."""

    PLAN = "plan"
    REPLAY = "replay"


class PolicyPlan(models.Model):
    """What comes of recorded decisions, under another bundle or once more: asked for, and worked out in turns.

    candidate: None: each is decided again by the bundle that it names, which is a replay. base: what was active when a
    plan was asked for; None: nothing, or a replay. fence: the number of the newest lease, which alone
    stores. state: what is counted so far, with the place that was reached; gone at the end. attempts: how often it was
    begun since it last came further.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    kind = models.TextField(choices=PlanKind, default=PlanKind.PLAN, db_default=PlanKind.PLAN)
    candidate = models.ForeignKey(PolicyBundle, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    base = models.ForeignKey(PolicyBundle, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    days = models.PositiveSmallIntegerField()
    since = models.DateTimeField()
    until = models.DateTimeField()
    by = models.TextField()
    asked_at = models.DateTimeField(db_index=True)
    status = models.TextField(choices=PlanStatus, default=PlanStatus.WAITING)
    lease_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    state = models.BinaryField(null=True)
    report = models.JSONField(null=True)
    error = models.TextField(default="")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """One plan of its kind is open at a time; one that is done has its report."""

        db_table = "decisions_plan"
        constraints = (
            models.UniqueConstraint(
                fields=("candidate", "base", "days"),
                condition=models.Q(status__in=[PlanStatus.WAITING, PlanStatus.RUNNING]),
                nulls_distinct=False,
                name="decisions_plan_open_once",
            ),
            models.CheckConstraint(condition=models.Q(status__in=PlanStatus.values), name="decisions_plan_status"),
            models.CheckConstraint(
                condition=~models.Q(status=PlanStatus.DONE) | models.Q(report__isnull=False),
                name="decisions_plan_reported",
            ),
            models.CheckConstraint(condition=models.Q(since__lt=models.F("until")), name="decisions_plan_window"),
            models.CheckConstraint(
                condition=models.Q(kind=PlanKind.PLAN, candidate__isnull=False)
                | models.Q(kind=PlanKind.REPLAY, candidate__isnull=True, base__isnull=True),
                name="decisions_plan_kind",
            ),
        )

    def __str__(self) -> str:
        """Show what it is of, and how far it is."""
        return f"{(self.candidate_id or self.kind)[:12]}: {self.status}"
