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


class CallerKind(StrEnum):
    """Who may ask for an action: a person in a session, or a service with its own credential."""

    PERSON = "person"
    SERVICE = "service"


class FeatureSpec(Struct, frozen=True, kw_only=True):
    """A feature as the catalogue describes it.

    requirement: what it asks in whatever plan it comes; None: nothing of its own.
    """

    key: str
    kind: FeatureKind
    sensitivity: Sensitivity = Sensitivity.STANDARD
    title: str = ""
    requirement: Requirement | None = None


class Term(Struct, frozen=True, kw_only=True):
    """What one plan version or add-on says of one feature.

    value: ``True``/``False`` of a switch, any JSON of a config.
    limit: units a reset period; ``unlimited`` is a flag of its own and never a missing limit.
    """

    feature: str
    value: Any = None
    limit: int | None = None
    unlimited: bool = False
    reset_period: ResetPeriod | None = None
    requirement: Requirement | None = None


class ActionSpec(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A thing that can be asked for, as the catalogue declares it.

    feature: the feature that it uses; None: no licence needed.
    privilege: what a role must grant.
    environments: what is asked in environments of each sensitivity, when ``environment_aware``.
    binds: property paths hashed into a challenge, e.g. ``"resource.properties.amount"``.
    callers: who may ask. is_vendor_only: asked only by tenant zero's own people and credentials.
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
    """

    kind: UnlockKind
    key: str
    title: str
    version: int
    price: int | None = None
    currency: str | None = None
    interval: str | None = None
    requirement: Requirement | None = None
