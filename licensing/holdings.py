"""What one tenant holds, read at one instant of the database, and resolved for any instant from then on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q

from isolation.api import global_row
from licensing.catalogue_rows import requirement_of
from licensing.compiled import CATALOGUE_SCOPE, CONTENT_SCOPE, Catalogue, CompiledVersion, compile_catalogue
from licensing.errors import TenantNotFound
from licensing.held_plans import HeldPlan, on_offer, plan_at, read_held_plans
from licensing.lasting import terms_end
from licensing.models import Environment, RequirementFloor, Role, Subscription, SubscriptionAddOn
from licensing.models import Override as OverrideRow
from licensing.models import Tenant as TenantRow
from licensing.models.holdings import GRANTING
from licensing.roles import RoleSpec, joined_roles, spec_of
from licensing.tenants import Tenant, told
from licensing.trial_marks import tried_plans
from licensing.usage.periods import BillingCycle
from tiergate import (
    ActionSpec,
    Entitlement,
    EnvironmentSensitivity,
    Grant,
    Override,
    OverrideEffect,
    Requirement,
    ResetPeriod,
    ScopeSpec,
    Unlock,
    resolve_entitlement,
)

_NUMBER = "(SELECT number FROM licensing_generation WHERE scope = %s::uuid)"
# Where the content was never counted, it may be another one with each generation.
_GENERATIONS = f"coalesce({_NUMBER}, 0)::text, coalesce({_NUMBER}, {_NUMBER}, 0)::text, coalesce({_NUMBER}, 0)::text"


@dataclass(frozen=True, slots=True, order=True)
class Generations:
    """The two counters that a snapshot is built from; equal ones mean equal content, and equal rules in force.

    content: at which number of the first the catalogue's own rows changed last, as far as it was read; part of no version.
    """

    catalogue: int
    tenant: int
    content: int = field(default=0, compare=False)

    def __str__(self) -> str:
        """Write the snapshot's version."""
        return f"g{self.catalogue}.t{self.tenant}"

    def reaches(self, other: "Generations") -> bool:
        """Say whether neither counter is older than the other's."""
        return self.catalogue >= other.catalogue and self.tenant >= other.tenant

    def holds_what(self, other: "Generations") -> bool:
        """Say whether a tenant holds the same at both, whatever rules were put in force in between."""
        return self.content == other.content and self.tenant == other.tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantSnapshot:
    """What decisions about one tenant are made from; immutable.

    version: ``g<catalogue>.t<tenant>``. catalogue_generation: its first number, which a change of the policy in force
    raises too; catalogue_content: where the catalogue's own rows changed last. next_change_at: when time alone makes it another.
    policy_version: names the catalogue's content. environments: what the tenant declares, by name.
    unlocks: by feature, what this tenant could buy to have it, or more of it. plan: what it is on; None: nothing.
    billing: by what the tenant's billing periods are counted; None where it never subscribed.
    """

    version: str
    catalogue_generation: int
    catalogue_content: int
    tenant: Tenant
    actions: Mapping[str, ActionSpec]
    entitlements: Mapping[str, Entitlement]
    roles: Mapping[str, RoleSpec]
    unlocks: Mapping[str, tuple[Unlock, ...]]
    environments: Mapping[str, EnvironmentSensitivity]
    scopes: Mapping[str, ScopeSpec]
    policy_version: str
    next_change_at: datetime | None
    plan: HeldPlan | None = None
    billing: BillingCycle | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What a tenant holds from ``since`` on: rows read, nothing resolved yet."""

    generations: Generations
    since: datetime
    tenant: Tenant
    catalogue: Catalogue
    roles: Mapping[str, RoleSpec]
    grants: Mapping[str, tuple[Grant, ...]]
    overrides: Mapping[str, Override]
    floors: Mapping[str, Requirement]
    environments: Mapping[str, EnvironmentSensitivity]
    plans: tuple[HeldPlan, ...] = ()
    billing: tuple[BillingCycle, ...] = ()
    tried: frozenset[str] = frozenset()

    def resolve(self, at: datetime) -> TenantSnapshot:
        """Resolve every feature at an instant that is not before ``since``."""
        entitlements = {
            key: resolve_entitlement(
                feature,
                grants=self.grants.get(key, ()),
                overrides=(self.overrides[key],) if key in self.overrides else (),
                floor=self.floors.get(key),
                at=at,
            )
            for key, feature in self.catalogue.features.items()
        }
        changes = [one.next_change_at for one in entitlements.values() if one.next_change_at is not None]
        changes += [end for one in self.plans for end in (one.active_from, one.active_to) if end and end > at]
        plan = plan_at(self.plans, at)
        return TenantSnapshot(
            version=str(self.generations),
            catalogue_generation=self.generations.catalogue,
            catalogue_content=self.generations.content,
            tenant=self.tenant,
            actions=self.catalogue.actions,
            entitlements=MappingProxyType(entitlements),
            roles=self.roles,
            unlocks=on_offer(self.catalogue.unlocks, plan, self.overrides, tried=self.tried, at=at),
            environments=self.environments,
            scopes=self.catalogue.scopes,
            policy_version=self.catalogue.digest,
            next_change_at=min(changes, default=None),
            plan=plan,
            billing=next((one for one in reversed(self.billing) if one.begins <= at), None),
        )


def read_generations(tenant_id: UUID, *, using: str = DEFAULT_DB_ALIAS) -> Generations:
    """Read the counters in one statement."""
    asked = [CATALOGUE_SCOPE, CONTENT_SCOPE, CATALOGUE_SCOPE, tenant_id]
    catalogue, content, tenant = global_row(_GENERATIONS, asked, using=using)
    return Generations(int(catalogue), int(tenant), int(content))


def read_holdings(
    tenant_id: UUID,
    *,
    known: Catalogue | None,
    since: datetime,
    instead: Mapping[UUID, UUID] = MappingProxyType({}),
    using: str = DEFAULT_DB_ALIAS,
) -> Holdings:
    """Read what a tenant holds, within a transaction of that tenant; the counters first.

    known: the catalogue compiled last; compiled anew where its rows have changed.
    instead: ids of subscriptions and held add-ons -> the version that each is taken to be of, to find out what that
        would change.
    :raises TenantNotFound: there is no such tenant.
    """
    generations = read_generations(tenant_id, using=using)
    row = TenantRow.objects.using(using).filter(id=tenant_id).first()
    if row is None:
        raise TenantNotFound("There is no such tenant.")
    catalogue = _catalogue(generations, known, using)
    own = {role.key: spec_of(role) for role in Role.objects.using(using).filter(tenant_id=tenant_id)}
    return Holdings(
        generations=generations,
        since=since,
        tenant=told(row),
        catalogue=catalogue,
        roles=MappingProxyType(joined_roles(tenant_id, catalogue.roles, own)),
        grants=_grants(tenant_id, catalogue, since, instead, using),
        overrides=agreed(OverrideRow.objects.using(using).filter(tenant_id=tenant_id), catalogue),
        floors={
            catalogue.features_by_id[feature_id]: Requirement.from_json(asked)
            for feature_id, asked in RequirementFloor.objects.using(using)
            .filter(tenant_id=tenant_id)
            .values_list("feature_id", "requirement")
        },
        environments=MappingProxyType(
            {
                name: EnvironmentSensitivity(sensitivity)
                for name, sensitivity in Environment.objects.using(using)
                .filter(tenant_id=tenant_id)
                .values_list("name", "sensitivity")
            }
        ),
        plans=read_held_plans(tenant_id, since=since, using=using),
        billing=_billing(tenant_id, catalogue, using),
        tried=tried_plans(tenant_id, using=using) if catalogue.has_trials else frozenset(),
    )


def _catalogue(generations: Generations, known: Catalogue | None, using: str) -> Catalogue:
    if known is None or known.content != generations.content:
        return compile_catalogue(generations.catalogue, generations.content, using=using)
    return known if known.generation == generations.catalogue else replace(known, generation=generations.catalogue)


def _billing(tenant_id: UUID, catalogue: Catalogue, using: str) -> tuple[BillingCycle, ...]:
    """List how the tenant pays, in order.

    Where nobody says what is paid for, all count from the first day: to change plans begins no new period.
    """
    rows = list(
        Subscription.objects.using(using)
        .filter(tenant_id=tenant_id)
        .order_by("active_from")
        .values_list("active_from", "plan_version_id", "current_period_start", "current_period_end")
    )
    return tuple(
        BillingCycle(
            anchor=rows[0][0] if since is None else since,
            begins=begins,
            months=catalogue.versions[version_id].months,
            until=until,
        )
        for begins, version_id, since, until in rows
    )


def _grants(
    tenant_id: UUID, catalogue: Catalogue, since: datetime, instead: Mapping[UUID, UUID], using: str
) -> dict[str, tuple[Grant, ...]]:
    rows = list(
        Subscription.objects.using(using)
        .filter(tenant_id=tenant_id, status__in=GRANTING)
        .filter(Q(active_to__isnull=True) | Q(active_to__gt=since))
    )
    for row in rows:
        row.plan_version_id = instead.get(row.id, row.plan_version_id)
    beside = SubscriptionAddOn.objects.using(using).filter(
        tenant_id=tenant_id, subscription_id__in=[row.id for row in rows]
    )
    held = list(beside) if rows else []
    for one in held:
        one.plan_version_id = instead.get(one.id, one.plan_version_id)
    return granted(rows, held, catalogue)


def granted(
    rows: Iterable[Subscription], beside: Iterable[SubscriptionAddOn], catalogue: Catalogue
) -> dict[str, tuple[Grant, ...]]:
    """Work out what subscriptions grant by feature, each until it ends by time alone.

    Where one ends so before its range does, the default plan's terms go on from there.

    rows: of statuses that grant. beside: the add-ons of these.
    """
    out: dict[str, list[Grant]] = {}

    def add(version: CompiledVersion, since: datetime, until: datetime | None) -> None:
        for term in version.terms:
            out.setdefault(term.feature, []).append(
                Grant(source=version.source, kind=version.kind, term=term, active_from=since, active_to=until)
            )

    ends: dict[UUID, tuple[datetime, datetime | None]] = {}
    for row in rows:
        version = catalogue.versions[row.plan_version_id]
        until = terms_end(row, grace_days=version.grace_days)
        ends[row.id] = row.active_from, until
        add(version, row.active_from, until)
        if until is not None and until != row.active_to and catalogue.default is not None:
            add(catalogue.default, max(until, row.active_from), row.active_to)
    for one in beside:
        add(catalogue.versions[one.plan_version_id], *ends[one.subscription_id])
    return {feature: tuple(grants) for feature, grants in out.items()}


def agreed(rows: Iterable[OverrideRow], catalogue: Catalogue) -> dict[str, Override]:
    """Read overrides as the kernel knows them, by feature."""
    out = {}
    for row in rows:
        key = catalogue.features_by_id[row.feature_id]
        out[key] = Override(
            feature=key,
            effect=OverrideEffect(row.effect),
            reason=row.reason,
            by=row.by,
            active_from=row.created_at,
            expires_at=row.expires_at,
            value=row.value,
            limit=row.limit,
            unlimited=row.unlimited,
            requirement=requirement_of(row.requirement),
            reset_period=ResetPeriod(row.reset_period) if row.reset_period else None,
        )
    return out
