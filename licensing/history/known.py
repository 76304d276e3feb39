"""What a tenant could use at an instant, from what was known then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from isolation.api import tenant_transaction
from licensing import names
from licensing.catalogue_rows import feature_spec
from licensing.compiled import Catalogue, compile_catalogue, default_version
from licensing.errors import TenantNotFound
from licensing.history.reading import is_from_before, rows_then
from licensing.holdings import agreed, granted
from licensing.models import (
    Action,
    Environment,
    Feature,
    Override,
    Plan,
    RequirementFloor,
    Subscription,
    SubscriptionAddOn,
    Tenant,
)
from licensing.models.holdings import GRANTING
from licensing.selling import versions_by_id
from licensing.subscription_rows import Subscription as Told
from licensing.subscription_rows import told_as
from tiergate import Entitlement, Grant, Requirement, resolve_entitlement
from tiergate import Override as Agreed


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """What a regulated feature keeps asking of a tenant, and since when."""

    requirement: Requirement
    because: str
    raised_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a tenant could use at ``at``, and what made it so; features by key.

    subscription: what it was on; None for nothing. actions: the names of the actions that used a feature.
    environments: what the tenant declared, by name.
    is_from_before: some of it stood when the history began; of what was before that, nothing is known.
    """

    tenant_id: UUID
    at: datetime
    entitlements: Mapping[str, Entitlement]
    grants: Mapping[str, Sequence[Grant]]
    overrides: Mapping[str, Agreed]
    floors: Mapping[str, Floor]
    actions: Mapping[str, Sequence[str]]
    environments: Mapping[str, str]
    subscription: Told | None
    is_from_before: bool

    @property
    def next_change_at(self) -> datetime | None:
        """Tell when time alone would have made it another, as it stood."""
        changes = (one.next_change_at for one in self.entitlements.values())
        return min((one for one in changes if one is not None), default=None)


def entitlements_known(*, tenant_id: UUID, at: datetime) -> Known:
    """Resolve what a tenant could use at an instant, from what the database held then, and tell why.

    What was written later about that instant is left out: this is what decisions were made from. A change counts
    from the instant of its first write; that of its commit may be milliseconds later. For an instant to come it is
    what stands now.

    :raises TenantNotFound: there is no such tenant.
    """
    at = names.instant(at, "at")
    with tenant_transaction(tenant_id, snapshot=True):
        if not Tenant.objects.filter(id=tenant_id).exists():
            raise TenantNotFound("There is no such tenant.")
        actions = rows_then(Action, at=at)
        catalogue = _catalogue_then(at)
        subscriptions = rows_then(Subscription, at=at)
        beside = rows_then(SubscriptionAddOn, at=at)
        granting = {row.id: row for row in subscriptions if row.status in GRANTING}
        grants = granted(granting.values(), [one for one in beside if one.subscription_id in granting], catalogue)
        overrides = agreed(rows_then(Override, at=at), catalogue)
        floors = {
            catalogue.features_by_id[row.feature_id]: Floor(
                requirement=Requirement.from_json(row.requirement), because=row.because, raised_at=row.raised_at
            )
            for row in rows_then(RequirementFloor, at=at)
        }
        return Known(
            tenant_id=tenant_id,
            at=at,
            entitlements={
                key: resolve_entitlement(
                    feature,
                    grants=grants.get(key, ()),
                    overrides=(overrides[key],) if key in overrides else (),
                    floor=floors[key].requirement if key in floors else None,
                    at=at,
                )
                for key, feature in sorted(catalogue.features.items())
            },
            grants=grants,
            overrides=overrides,
            floors=floors,
            actions={
                key: sorted(one.name for one in actions if one.feature_id == feature_id)
                for feature_id, key in catalogue.features_by_id.items()
            },
            environments={row.name: str(row.sensitivity) for row in rows_then(Environment, at=at)},
            subscription=_subscription_then(subscriptions, beside, at),
            is_from_before=is_from_before(at=at),
        )


def _catalogue_then(at: datetime) -> Catalogue:
    # Versions never change once they are published, so that those of now are those of then.
    now = compile_catalogue(0)
    features = rows_then(Feature, at=at)
    return replace(
        now,
        features=MappingProxyType({row.key: feature_spec(row) for row in features}),
        features_by_id=MappingProxyType({row.id: row.key for row in features}),
        default=default_version(rows_then(Plan, at=at), now.versions),
    )


def _subscription_then(
    subscriptions: Sequence[Subscription], beside: Sequence[SubscriptionAddOn], at: datetime
) -> Told | None:
    row = next(
        (one for one in subscriptions if one.active_from <= at and (one.active_to is None or one.active_to > at)), None
    )
    if row is None:
        return None
    ids = [one.plan_version_id for one in beside if one.subscription_id == row.id]
    known = versions_by_id([row.plan_version_id, *ids])
    return told_as(row, [known[row.plan_version_id], *(known[one] for one in ids)])
