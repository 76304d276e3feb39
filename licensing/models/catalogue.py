"""What the vendor sells, and how sure it must be of who uses it: the same for every tenant."""

import uuid
from enum import StrEnum
from typing import Final

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tiergate import CallerKind, Counted, FeatureKind, ResetPeriod, Sensitivity

MAX_TRIAL_DAYS: Final = 365
GRACE_DAYS: Final = 7
MAX_GRACE_DAYS: Final = 90


def _choices(names: type[StrEnum]) -> list[tuple[str, str]]:
    return [(one.value, one.value) for one in names]


def persons() -> list[str]:
    """List who may ask for an action unless it says otherwise."""
    return [CallerKind.PERSON.value]


class Feature(models.Model):
    """Something that a plan may include: a switch, a limit, or a configured value.

    counts: of a limit: what is held to it as it stands; blank: what is consumed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.TextField(unique=True)
    title = models.TextField(default="", blank=True)
    kind = models.TextField(choices=_choices(FeatureKind))
    sensitivity = models.TextField(choices=_choices(Sensitivity), default=Sensitivity.STANDARD.value)
    requirement = models.JSONField(null=True, blank=True)
    counts = models.TextField(choices=[("", ""), *_choices(Counted)], default="", db_default="", blank=True)

    class Meta:
        """The kind is part of a key that terms refer to: it cannot change under them."""

        constraints = (
            models.UniqueConstraint(fields=("id", "kind"), name="licensing_feature_id_kind"),
            models.CheckConstraint(
                condition=models.Q(kind__in=[one.value for one in FeatureKind]),
                name="licensing_feature_kind",
            ),
            models.CheckConstraint(
                condition=models.Q(sensitivity__in=[one.value for one in Sensitivity]),
                name="licensing_feature_sensitivity",
            ),
            models.CheckConstraint(
                condition=models.Q(counts="")
                | models.Q(counts__in=[one.value for one in Counted], kind=FeatureKind.LIMIT.value),
                name="licensing_feature_counts",
            ),
        )

    def __str__(self) -> str:
        """Show the key."""
        return self.key


class Action(models.Model):
    """Something that can be asked about. An action that is not declared is denied.

    binds: property paths that are hashed into a challenge, so that a proof is good for these values alone.
    environments: environment name -> requirement; read only where ``environment_aware``.
    callers: who may ask: ``person``, ``service``, or both.
    batch: how many may be confirmed at once, and how large each may be; NULL: one at a time.
    needs_highest_held: ask for the highest level that the person's factors can reach.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.TextField(unique=True)
    title = models.TextField(default="", blank=True)
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, null=True, blank=True, related_name="actions")
    resource_type = models.TextField(default="", blank=True)
    privilege = models.TextField()
    environment_aware = models.BooleanField(default=False)
    environments = models.JSONField(default=dict, blank=True)
    binds = ArrayField(models.TextField(), default=list, blank=True)
    callers = ArrayField(models.TextField(), default=persons)
    needs_highest_held = models.BooleanField(default=False)
    requirement = models.JSONField(null=True, blank=True)
    batch = models.JSONField(null=True, blank=True)

    class Meta:
        """The table is named for the word that everybody uses."""

        db_table = "licensing_action"

    def __str__(self) -> str:
        """Show the name."""
        return self.name


class RoleDefault(models.Model):
    """What a role means in the vendor's product, in every tenant, besides what is built in."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.TextField(unique=True)
    privileges = ArrayField(models.TextField(), default=list, blank=True)
    requirement = models.JSONField(null=True, blank=True)

    class Meta:
        """Spelled out, for the list of global tables."""

        db_table = "licensing_role_default"

    def __str__(self) -> str:
        """Show the key."""
        return self.key


class TokenScope(models.Model):
    """What a token may be good for: an OAuth scope, which stands for actions."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.TextField(unique=True)
    title = models.TextField(default="", blank=True)

    class Meta:
        """The table is named for the word that everybody uses."""

        db_table = "licensing_scope"

    def __str__(self) -> str:
        """Show the name."""
        return self.name


class TokenScopeAction(models.Model):
    """One action that a scope stands for. An action that goes leaves every scope first: see `catalogue_scopes`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    scope = models.ForeignKey(TokenScope, on_delete=models.CASCADE, related_name="stands_for")
    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="scopes")

    class Meta:
        """An action is named once in a scope."""

        db_table = "licensing_scope_action"
        constraints = (models.UniqueConstraint(fields=("scope", "action"), name="licensing_scope_action_once"),)

    def __str__(self) -> str:
        """Show what it joins."""
        return f"{self.scope_id}: {self.action_id}"


class PlanKind(models.TextChoices):
    """A tenant is on one plan at a time, and may hold any number of add-ons beside it."""

    PLAN = "plan"
    ADD_ON = "add_on"


class Plan(models.Model):
    """A tier, or an add-on to one; its terms stand on its versions.

    rank: cheapest first; it orders what is offered to someone who is refused.
    current: the version that a new subscription gets; NULL until one is published, or once it is withdrawn.
    is_default: a tenant falls to this plan when nothing is paid for any longer.
    trial_days: for how long it may be tried, once, by who has nothing that they would lose; 0: it is not.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.TextField(choices=PlanKind, default=PlanKind.PLAN)
    key = models.TextField()
    title = models.TextField(default="", blank=True)
    rank = models.IntegerField(default=0)
    current = models.ForeignKey(
        "licensing.PlanVersion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    is_default = models.BooleanField(default=False, db_default=False)
    trial_days = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        """A plan and an add-on may share a key; at most one plan is the default."""

        constraints = (
            models.UniqueConstraint(
                fields=("is_default",), condition=models.Q(is_default=True), name="licensing_plan_one_default"
            ),
            models.CheckConstraint(
                condition=models.Q(is_default=False) | models.Q(kind=PlanKind.PLAN),
                name="licensing_plan_default_kind",
            ),
            models.CheckConstraint(
                condition=models.Q(trial_days=0)
                | models.Q(kind=PlanKind.PLAN, is_default=False, trial_days__lte=MAX_TRIAL_DAYS),
                name="licensing_plan_trial",
            ),
            models.UniqueConstraint(fields=("kind", "key"), name="licensing_plan_kind_key"),
            models.UniqueConstraint(fields=("id", "kind"), name="licensing_plan_id_kind"),
            models.CheckConstraint(condition=models.Q(kind__in=PlanKind.values), name="licensing_plan_kind"),
        )

    def __str__(self) -> str:
        """Show the key."""
        return self.key


class VersionStatus(models.TextChoices):
    """Drafts can be written; published versions sold; retired ones only kept by those who have them."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


class PriceInterval(models.TextChoices):
    """How often a price is paid; blank where there is no price."""

    NONE = ""
    MONTH = "month"
    YEAR = "year"
    ONCE = "once"


class PlanVersion(models.Model):
    """A plan as sold from some day on. Triggers keep it and its terms as they were published.

    content_hash: SHA-256, hex, of price and terms in canonical JSON; the same content is one version.
    price_amount: in the currency's minor units; NULL: not for sale by itself.
    price_currency: ISO 4217, lower case.
    grace_days: how long the terms go on after a payment has failed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="versions")
    kind = models.TextField(choices=PlanKind)
    number = models.PositiveIntegerField()
    status = models.TextField(choices=VersionStatus, default=VersionStatus.DRAFT)
    content_hash = models.TextField()
    price_amount = models.BigIntegerField(null=True, blank=True)
    price_currency = models.TextField(default="", blank=True)
    price_interval = models.TextField(choices=PriceInterval, default=PriceInterval.NONE, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    grace_days = models.PositiveSmallIntegerField(default=GRACE_DAYS, db_default=GRACE_DAYS)

    class Meta:
        """Numbers and contents are unique within a plan."""

        db_table = "licensing_plan_version"
        constraints = (
            models.UniqueConstraint(fields=("plan", "number"), name="licensing_plan_version_number"),
            models.UniqueConstraint(fields=("plan", "content_hash"), name="licensing_plan_version_content"),
            models.UniqueConstraint(fields=("id", "kind"), name="licensing_plan_version_id_kind"),
            models.UniqueConstraint(fields=("plan", "id"), name="licensing_plan_version_of_plan"),
            models.CheckConstraint(
                condition=models.Q(status__in=VersionStatus.values),
                name="licensing_plan_version_status",
            ),
            models.CheckConstraint(
                condition=models.Q(status=VersionStatus.DRAFT) | models.Q(published_at__isnull=False),
                name="licensing_plan_version_published_at",
            ),
            models.CheckConstraint(
                condition=models.Q(price_amount__isnull=True, price_currency="", price_interval="")
                | models.Q(
                    price_amount__gte=0,
                    price_currency__regex="^[a-z]{3}$",
                    price_interval__in=("month", "year", "once"),
                ),
                name="licensing_plan_version_price",
            ),
            models.CheckConstraint(
                condition=models.Q(grace_days__lte=MAX_GRACE_DAYS), name="licensing_plan_version_grace"
            ),
        )

    def __str__(self) -> str:
        """Show plan and number, as sources in a trace do."""
        return f"{self.plan.key}@{self.number}"


class PlanTerm(models.Model):
    """What one version of a plan says about one feature, and what it asks of whoever uses it.

    value: true or false for a switch, any JSON value for a config, NULL for a limit.
    limit, unlimited: for a limit, exactly one of them; absence never reads as unlimited.
    overage: more than the limit may be used. rollover: at most so much of what was left goes on into the next period.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(PlanVersion, on_delete=models.CASCADE, related_name="terms")
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="terms")
    feature_kind = models.TextField(choices=_choices(FeatureKind))
    value = models.JSONField(null=True, blank=True)
    limit = models.BigIntegerField(null=True, blank=True)
    unlimited = models.BooleanField(default=False)
    reset_period = models.TextField(choices=[("", ""), *_choices(ResetPeriod)], default="", blank=True)
    overage = models.BooleanField(default=False, db_default=False)
    rollover = models.BigIntegerField(null=True, blank=True)
    requirement = models.JSONField(null=True, blank=True)

    class Meta:
        """The columns that are filled are those of the feature's kind: a constraint in the migration."""

        db_table = "licensing_plan_term"
        constraints = (
            models.UniqueConstraint(fields=("version", "feature"), name="licensing_plan_term_once"),
            models.CheckConstraint(
                condition=models.Q(overage=False, rollover__isnull=True) | models.Q(limit__isnull=False),
                name="licensing_plan_term_soft",
            ),
            models.CheckConstraint(
                condition=models.Q(rollover__isnull=True) | (models.Q(rollover__gte=0) & ~models.Q(reset_period="")),
                name="licensing_plan_term_rollover",
            ),
        )

    def __str__(self) -> str:
        """Show what it is about."""
        return f"{self.version_id}: {self.feature_id}"
