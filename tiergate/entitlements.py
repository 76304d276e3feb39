"""What a tenant may use of one feature at an instant: plan terms, add-ons and overrides resolved into one answer."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from tiergate.catalogue import Counted, FeatureKind, FeatureSpec, ResetPeriod, Sensitivity, Term
from tiergate.requirements import Contribution, Requirement


class GrantKind(StrEnum):
    """Where a term comes from."""

    PLAN = "plan"
    ADD_ON = "add_on"


class OverrideEffect(StrEnum):
    """What an override does to a feature's value: leave it, replace it, or take the feature away."""

    INHERIT = "inherit"
    VALUE = "value"
    REMOVED = "removed"


class Grant(Struct, frozen=True, kw_only=True):
    """A term that holds for a tenant from ``active_from`` (inclusive) to ``active_to`` (exclusive; None: open)."""

    source: str
    kind: GrantKind
    term: Term
    active_from: datetime
    active_to: datetime | None = None

    def is_active(self, at: datetime) -> bool:
        """Say whether the grant holds at ``at``."""
        return self.active_from <= at and (self.active_to is None or at < self.active_to)


class Override(Struct, frozen=True, kw_only=True):
    """One tenant's exception for one feature, with who made it and why."""

    feature: str
    effect: OverrideEffect
    reason: str
    by: str
    active_from: datetime
    expires_at: datetime | None = None
    value: Any = None
    limit: int | None = None
    unlimited: bool = False
    requirement: Requirement | None = None
    reset_period: ResetPeriod | None = None

    def is_active(self, at: datetime) -> bool:
        """Say whether the override holds at ``at``."""
        return self.active_from <= at and (self.expires_at is None or at < self.expires_at)


class Entitlement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a tenant may use of a feature at an instant, and what it asks.

    contributions: each source's part of the requirement.
    sources: what granted or withheld it, in the order it was applied.
    overage: more than ``limit`` may be used. rollover: what may go on of a period into the next.
    counts: what is held to the limit as it stands; None: what is consumed.
    next_change_at: the next instant at which this may be different by time alone.
    """

    feature: str
    kind: FeatureKind
    sensitivity: Sensitivity
    is_granted: bool
    value: Any = None
    limit: int | None = None
    unlimited: bool = False
    reset_period: ResetPeriod | None = None
    contributions: tuple[Contribution, ...] = ()
    sources: tuple[str, ...] = ()
    next_change_at: datetime | None = None
    overage: bool = False
    rollover: int | None = None
    counts: Counted | None = None


def resolve_entitlement(
    feature: FeatureSpec,
    *,
    grants: Sequence[Grant],
    overrides: Sequence[Override] = (),
    floor: Requirement | None = None,
    at: datetime,
) -> Entitlement:
    """Resolve a feature's terms, add-ons and overrides at ``at``.

    Switches are joined by or, limits and what of them goes on are added up, one soft limit makes the sum soft, an
    add-on's configuration replaces the plan's; then the override, whose number is a hard limit of which nothing goes on.
    Requirements join, whatever their source; an override's replaces the terms' own, except on a regulated
    feature, where it can only add (the ratchet). ``floor`` is what a regulated feature once asked of this tenant.
    A grant or override of another feature is ignored.
    """
    named = [grant for grant in grants if grant.term.feature == feature.key]
    active = sorted(
        (grant for grant in named if grant.is_active(at)),
        key=lambda grant: grant.kind != GrantKind.PLAN,
    )
    mine = [one for one in overrides if one.feature == feature.key]
    overriding = [one for one in mine if one.is_active(at)]
    # The latest holds; of two at one instant the removal, so that their order never opens anything.
    applied = max(
        overriding,
        key=lambda one: (one.active_from, one.effect == OverrideEffect.REMOVED),
        default=None,
    )
    value, limit, unlimited, is_granted, sources = _value(feature, active, applied)
    is_limited = feature.kind == FeatureKind.LIMIT and is_granted and limit is not None
    is_replaced = applied is not None and applied.effect == OverrideEffect.VALUE
    carrying = [one.term.rollover for one in active if one.term.rollover is not None]
    return Entitlement(
        feature=feature.key,
        kind=feature.kind,
        sensitivity=feature.sensitivity,
        is_granted=is_granted,
        value=value,
        limit=limit,
        unlimited=unlimited,
        reset_period=_reset_period(active, applied),
        contributions=_contributions(feature, active, applied, overriding, floor),
        sources=sources,
        next_change_at=_next_change(named, mine, at),
        overage=is_limited and not is_replaced and _is_soft(active),
        counts=feature.counts,
        rollover=sum(carrying) if carrying and is_limited and not is_replaced else None,
    )


def _is_soft(active: Sequence[Grant]) -> bool:
    return any(one.term.overage is True for one in active)


def _reset_period(active: Sequence[Grant], applied: Override | None) -> ResetPeriod | None:
    if applied is not None and applied.reset_period is not None:
        return applied.reset_period
    return next((one.term.reset_period for one in active if one.term.reset_period), None)


def _value(
    feature: FeatureSpec, active: Sequence[Grant], applied: Override | None
) -> tuple[Any, int | None, bool, bool, tuple[str, ...]]:
    sources = tuple(grant.source for grant in active)
    is_soft = _is_soft(active)
    if applied is not None and applied.effect == OverrideEffect.REMOVED:
        return (
            None,
            None,
            False,
            False,
            (*sources, f"override by {applied.by}: removed"),
        )
    if applied is not None and applied.effect == OverrideEffect.VALUE:
        value, limit, unlimited, is_soft = applied.value, applied.limit, applied.unlimited is True, False
        sources = (*sources, f"override by {applied.by}: value")
    else:
        value = any(g.term.value is True for g in active) if feature.kind == FeatureKind.SWITCH else None
        if feature.kind == FeatureKind.CONFIG:
            value = next(
                (g.term.value for g in reversed(active) if g.term.value is not None),
                None,
            )
        limits = [g.term.limit for g in active if g.term.limit is not None]
        limit = sum(limits) if limits else None
        unlimited = any(g.term.unlimited is True for g in active)
    match feature.kind:
        case FeatureKind.SWITCH:
            return value, None, False, value is True, sources
        case FeatureKind.CONFIG:
            return value, None, False, value is not None, sources
        case FeatureKind.LIMIT:
            is_granted = unlimited or (limit is not None and (limit > 0 or is_soft))
            return None, None if unlimited else limit, unlimited, is_granted, sources


def _contributions(
    feature: FeatureSpec,
    active: Sequence[Grant],
    applied: Override | None,
    overriding: Sequence[Override],
    floor: Requirement | None,
) -> tuple[Contribution, ...]:
    out: list[Contribution] = []
    if feature.requirement is not None:
        out.append(Contribution(source=f"feature:{feature.key}", requirement=feature.requirement))
    is_regulated = feature.sensitivity == Sensitivity.REGULATED
    if is_regulated or applied is None or applied.requirement is None:
        out += [
            Contribution(source=grant.source, requirement=grant.term.requirement)
            for grant in active
            if grant.term.requirement is not None
        ]
    # On a regulated feature even an override that another has overtaken still asks.
    for one in overriding:
        if one.requirement is not None and (is_regulated or one is applied):
            source = f"override by {one.by}"
            out.append(Contribution(source=source, requirement=one.requirement, because=one.reason))
    if floor is not None:
        because = "a regulated feature keeps what it once asked of this tenant"
        out.append(Contribution(source="ratchet", requirement=floor, because=because))
    return tuple(out)


def _next_change(grants: Sequence[Grant], overrides: Sequence[Override], at: datetime) -> datetime | None:
    instants = [grant.active_from for grant in grants] + [one.active_from for one in overrides]
    instants += [grant.active_to for grant in grants if grant.active_to is not None]
    instants += [one.expires_at for one in overrides if one.expires_at is not None]
    return min((one for one in instants if one > at), default=None)
