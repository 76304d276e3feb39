"""Which plan a tenant is on, and what is left to buy for it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q

from licensing.lasting import terms_end
from licensing.models import Subscription, SubscriptionAddOn
from licensing.models.holdings import GRANTING
from tiergate import Override, OverrideEffect, Unlock, UnlockKind


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPlan:
    """The plan version that a tenant is on from ``active_from`` (inclusive) to ``active_to`` (exclusive; None: open).

    is_granting: its terms hold; grants_until: until then, by time alone; None for no such end. add_ons: keys and version numbers of what is held beside it.
    is_default: it is what tenants fall to.
    """

    key: str
    title: str
    version: int
    status: str
    is_granting: bool
    active_from: datetime
    active_to: datetime | None
    grants_until: datetime | None = None
    add_ons: tuple[tuple[str, int], ...] = ()
    is_default: bool = False

    def is_active(self, at: datetime) -> bool:
        """Say whether the tenant is on it at ``at``."""
        return self.active_from <= at and (self.active_to is None or at < self.active_to)

    def is_of(self, unlock: Unlock) -> bool:
        """Say whether an unlock is what is held already: to buy it would change nothing."""
        if not self.is_granting:
            return False
        if unlock.kind == UnlockKind.ADD_ON:
            return (unlock.key, unlock.version) in self.add_ons
        return (unlock.key, unlock.version) == (self.key, self.version)


def read_held_plans(tenant_id: UUID, *, since: datetime, using: str = DEFAULT_DB_ALIAS) -> tuple[HeldPlan, ...]:
    """Read which plans a tenant is on from ``since`` on, within a transaction of that tenant."""
    rows = list(
        Subscription.objects.using(using)
        .filter(tenant_id=tenant_id)
        .filter(Q(active_to__isnull=True) | Q(active_to__gt=since))
        .select_related("plan_version__plan")
    )
    beside: dict[UUID, list[tuple[str, int]]] = {}
    if rows:
        held = SubscriptionAddOn.objects.using(using).filter(
            tenant_id=tenant_id, subscription_id__in=[row.id for row in rows]
        )
        for one in held.select_related("plan_version__plan"):
            version = one.plan_version
            beside.setdefault(one.subscription_id, []).append((version.plan.key, version.number))
    return tuple(_told(row, beside.get(row.id, [])) for row in rows)


def plan_at(held: Iterable[HeldPlan], at: datetime) -> HeldPlan | None:
    """Find which plan the tenant is on at an instant; None for none."""
    found = next((one for one in held if one.is_active(at)), None)
    if found is None or found.grants_until is None or at < found.grants_until:
        return found
    return replace(found, is_granting=False)


def on_offer(
    unlocks: Mapping[str, tuple[Unlock, ...]],
    plan: HeldPlan | None,
    overrides: Mapping[str, Override],
    *,
    tried: Collection[str] = (),
    at: datetime,
) -> Mapping[str, tuple[Unlock, ...]]:
    """Leave out what would be bought in vain: what is held already, and what an exception overrules, whatever is paid.

    unlocks: by feature, what the catalogue sells. tried: plans that the tenant has tried; none is while another would be lost by it.
    """
    overruled = {
        key for key, one in overrides.items() if one.is_active(at) and one.effect != OverrideEffect.INHERIT
    } & unlocks.keys()
    is_free = plan is None or not plan.is_granting
    if not overruled and not tried and is_free:
        return unlocks
    return MappingProxyType(
        {
            feature: tuple(one for one in ways if _is_open(one, plan, tried))
            for feature, ways in unlocks.items()
            if feature not in overruled
        }
    )


def _is_open(unlock: Unlock, plan: HeldPlan | None, tried: Collection[str]) -> bool:
    if unlock.kind == UnlockKind.TRIAL and unlock.key in tried:
        return False
    if plan is None or not plan.is_granting:
        return True
    return not plan.is_of(unlock) and (unlock.kind != UnlockKind.TRIAL or plan.is_default)


def _told(row: Subscription, beside: list[tuple[str, int]]) -> HeldPlan:
    version = row.plan_version
    return HeldPlan(
        key=version.plan.key,
        title=version.plan.title or version.plan.key,
        version=version.number,
        status=str(row.status),
        is_granting=row.status in GRANTING,
        active_from=row.active_from,
        active_to=row.active_to,
        grants_until=terms_end(row, grace_days=version.grace_days),
        add_ons=tuple(sorted(beside)),
        is_default=version.plan.is_default,
    )
