"""The vocabulary of the catalogue: features, what a plan's term says of one, and the actions that need it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from tiergate.requirements import Requirement


class FeatureKind(StrEnum):
    """What a plan says of a feature: on or off, how much of it, or how it is set up."""

    SWITCH = "switch"
    LIMIT = "limit"
    CONFIG = "config"


class Sensitivity(StrEnum):
    """How much care a feature needs; premium and regulated decisions are durable before they are answered."""

    STANDARD = "standard"
    PREMIUM = "premium"
    REGULATED = "regulated"


class ResetPeriod(StrEnum):
    """When a limit's count starts again."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    BILLING_PERIOD = "billing_period"


class Counted(StrEnum):
    """What a limit counts that Tiergate keeps itself; any other limit counts what the product says it used."""

    MEMBERS = "members"


class CallerKind(StrEnum):
    """Who may ask for an action: a person in a session, or a service with its own credential."""

    PERSON = "person"
    SERVICE = "service"


class FeatureSpec(Struct, frozen=True, kw_only=True):
    """A feature as the catalogue describes it.

    requirement: what it asks in whatever plan it comes; None: nothing of its own.
    counts: of a limit: what is held to it as it stands, instead of what is consumed.
    """

    key: str
    kind: FeatureKind
    sensitivity: Sensitivity = Sensitivity.STANDARD
    title: str = ""
    requirement: Requirement | None = None
    counts: Counted | None = None


class Term(Struct, frozen=True, kw_only=True):
    """What one plan version or add-on says of one feature.

    value: ``True``/``False`` of a switch, any JSON of a config.
    limit: units a reset period; ``unlimited`` is a flag of its own and never a missing limit.
    overage: more than the limit may be used, and is counted as such. rollover: at most so much of what was left of a
    period goes on into the next.
    """

    feature: str
    value: Any = None
    limit: int | None = None
    unlimited: bool = False
    reset_period: ResetPeriod | None = None
    requirement: Requirement | None = None
    overage: bool = False
    rollover: int | None = None


MIN_BATCH = 2
MAX_BATCH = 100


class BatchSpec(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many things of one action a person may confirm at once, and how large each may be.

    max_items: at most so many. per_item: for these bound paths, the largest number that each item may have, from 0;
    whatever else is bound is the same for all of them.
    """

    max_items: int
    per_item: Mapping[str, int | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what could never be meant.

        :raises ValueError: a number out of range or of the wrong type.
        """
        if type(self.max_items) is not int or not MIN_BATCH <= self.max_items <= MAX_BATCH:
            raise ValueError(f"max_items must be from {MIN_BATCH} to {MAX_BATCH}, not {self.max_items!r}")
        for path, most in self.per_item.items():
            if type(most) not in {int, float} or not 0 <= most < float("inf"):
                raise ValueError(f"the largest {path} of an item cannot be {most!r}")


class ActionSpec(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A thing that can be asked for, as the catalogue declares it.

    feature: the feature that it uses; None: no licence needed.
    privilege: what a role must grant.
    environments: what is asked in environments of each sensitivity, when ``environment_aware``.
    binds: property paths hashed into a challenge, e.g. ``"resource.properties.amount"``.
    callers: who may ask. is_vendor_only: asked only by tenant zero's own people and credentials.
    batch: what of it may be confirmed at once, where each is asked for as a transaction; None: one at a time.
    needs_highest_held: asks for the highest level that the person's factors can reach (changing factors does).
    """

    name: str
    resource_type: str
    privilege: str
    title: str = ""
    feature: str | None = None
    environment_aware: bool = False
    environments: Mapping[str, Requirement] = field(default_factory=dict)
    binds: tuple[str, ...] = ()
    requirement: Requirement | None = None
    callers: tuple[CallerKind, ...] = (CallerKind.PERSON,)
    needs_highest_held: bool = False
    is_vendor_only: bool = False
    batch: BatchSpec | None = None


class ScopeSpec(Struct, frozen=True, kw_only=True):
    """What a token may be good for: an OAuth scope (RFC 6749, section 3.3) with the actions that it stands for.

    It asks what each of its actions asks. One without actions stands for nothing, and no token is issued for it.
    """

    name: str
    title: str = ""
    actions: tuple[str, ...] = ()


class UnlockKind(StrEnum):
    """What could be bought to unlock a feature."""

    PLAN = "plan"
    ADD_ON = "add_on"
    TRIAL = "trial"


class Unlock(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One way to be entitled to a feature.

    price: minor units of ``currency`` per ``interval``; None: on request.
    requirement: what the unlocked feature would then ask of the person.
    limit, unlimited, overage: how much of a limit it brings; an add-on's comes on top of the plan's.
    days: for how long a trial lasts; None for what is no trial.
    """

    kind: UnlockKind
    key: str
    title: str
    version: int
    price: int | None = None
    currency: str | None = None
    interval: str | None = None
    requirement: Requirement | None = None
    limit: int | None = None
    unlimited: bool = False
    overage: bool = False
    days: int | None = None
