"""The catalogue compiled once for all tenants."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from msgspec import structs

from licensing.catalogue_rows import action_json, action_spec, feature_json, feature_spec, role_json, term_json, term_of
from licensing.catalogue_scopes import list_scopes, scope_json, scope_spec
from licensing.models import Action, Feature, Plan, PlanTerm, PlanVersion, RoleDefault
from licensing.models.catalogue import PriceInterval, VersionStatus
from licensing.roles import RoleSpec, spec_of
from tiergate import (
    BUILTIN_ACTIONS,
    ActionSpec,
    FeatureSpec,
    GrantKind,
    Requirement,
    ScopeSpec,
    Term,
    Unlock,
    UnlockKind,
)

CATALOGUE_SCOPE: Final = UUID("ffffffff-ffff-ffff-ffff-ffffffffffff")
"""Under which the catalogue's generation is kept, which whatever is the same for all tenants raises."""

GENERATION_COLUMN: Final = (
    "(SELECT number FROM licensing_generation WHERE scope = 'ffffffff-ffff-ffff-ffff-ffffffffffff')::text"
)
"""That generation, for `isolation.api.global_row`: None before there was any."""

CONTENT_SCOPE: Final = UUID("ffffffff-ffff-ffff-ffff-fffffffffffe")
"""Under which is kept the generation at which the catalogue's own rows changed last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledVersion:
    """A published version's terms; ``source`` names it in a trace. months: between one payment and the next."""

    source: str
    kind: GrantKind
    terms: tuple[Term, ...]
    grace_days: int
    months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The whole catalogue at one generation. content: at which its rows changed last; equal ones mean equal rows.

    features_by_id: for rows that refer to a feature. versions: every one that a tenant may be on, by id.
    default: what a tenant falls to when nothing is paid for.
    unlocks: by feature, what could be bought to have it, smallest first.
    scopes: what tokens may be good for, by name.
    has_trials: some plan can be tried.
    digest: names the content: equal for equal content, whatever was done in between.
    """

    generation: int
    content: int
    features: Mapping[str, FeatureSpec]
    features_by_id: Mapping[UUID, str]
    actions: Mapping[str, ActionSpec]
    roles: Mapping[str, RoleSpec]
    versions: Mapping[UUID, CompiledVersion]
    default: CompiledVersion | None
    unlocks: Mapping[str, tuple[Unlock, ...]]
    scopes: Mapping[str, ScopeSpec]
    digest: str
    has_trials: bool = False


def compile_catalogue(generation: int, content: int = 0, *, using: str = DEFAULT_DB_ALIAS) -> Catalogue:
    """Read and compile the catalogue within the transaction that has read ``generation`` and ``content``."""
    features = list(Feature.objects.using(using).order_by("key"))
    actions = list(Action.objects.using(using).select_related("feature").order_by("name"))
    roles = list(RoleDefault.objects.using(using).order_by("key"))
    scopes = list_scopes(using=using)
    plans = list(Plan.objects.using(using).order_by("kind", "key"))
    versions = list(
        PlanVersion.objects.using(using)
        .select_related("plan")
        .exclude(status=VersionStatus.DRAFT)
        .order_by("plan__kind", "plan__key", "number")
    )
    terms: dict[UUID, list[Term]] = {}
    for row in PlanTerm.objects.using(using).select_related("feature").order_by("feature__key"):
        terms.setdefault(row.version_id, []).append(term_of(row))
    specs = {row.key: feature_spec(row) for row in features}
    written = {
        "features": [feature_json(row) for row in features],
        "actions": [action_json(row) for row in actions],
        "roles": [role_json(row) for row in roles],
        "scopes": [scope_json(row) for row in scopes],
        "plans": [_plan_content(row) for row in plans],
        "versions": [_version_content(row, terms.get(row.id, [])) for row in versions],
    }
    compiled = {
        row.id: CompiledVersion(
            source=f"{row.kind}:{row.plan.key}@{row.number}",
            kind=GrantKind(row.kind),
            terms=tuple(terms.get(row.id, ())),
            grace_days=row.grace_days,
            months=12 if row.price_interval == PriceInterval.YEAR else 1,
        )
        for row in versions
    }
    return Catalogue(
        generation=generation,
        content=content,
        features=MappingProxyType(specs),
        features_by_id=MappingProxyType({row.id: row.key for row in features}),
        actions=MappingProxyType({**{row.name: action_spec(row) for row in actions}, **BUILTIN_ACTIONS}),
        roles=MappingProxyType({row.key: spec_of(row) for row in roles}),
        versions=MappingProxyType(compiled),
        default=default_version(plans, compiled),
        unlocks=MappingProxyType(_unlocks(plans, {row.id: row for row in versions}, terms, specs)),
        scopes=MappingProxyType({row.name: scope_spec(row) for row in scopes}),
        has_trials=any(row.trial_days for row in plans),
        digest=hashlib.sha256(json.dumps(written, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:32],
    )


def default_version(plans: Iterable[Plan], versions: Mapping[UUID, CompiledVersion]) -> CompiledVersion | None:
    """Find what a tenant falls to when nothing is paid for; None where no plan on sale is the default."""
    return next((versions[row.current_id] for row in plans if row.is_default and row.current_id), None)


def _plan_content(row: Plan) -> list[Any]:
    content = [str(row.kind), row.key, row.title, row.rank, str(row.current_id) if row.current_id else None]
    content += [f"trial {row.trial_days}"] if row.trial_days else []
    return [*content, "default"] if row.is_default else content


def _version_content(row: PlanVersion, terms: list[Term]) -> list[Any]:
    return [str(row.id), row.number, str(row.status), row.content_hash, [term_json(term) for term in terms]]


def _unlocks(
    plans: list[Plan],
    versions: Mapping[UUID, PlanVersion],
    terms: Mapping[UUID, list[Term]],
    features: Mapping[str, FeatureSpec],
) -> dict[str, tuple[Unlock, ...]]:
    found: dict[str, list[tuple[tuple[Any, ...], Unlock]]] = {}
    for plan in plans:
        version = versions.get(plan.current_id) if plan.current_id else None
        if version is None:
            continue
        # Smallest first; what is only sold on request comes after what has a price.
        price = version.price_amount
        order = (plan.rank, price is None, price or 0, str(plan.kind), plan.key)
        for term in terms.get(version.id, ()):
            if _grants(term):
                unlock = _unlock(plan, version, features[term.feature], term)
                ways = found.setdefault(term.feature, [])
                ways.append(((*order, False), unlock))
                if plan.trial_days:
                    # What there is to buy comes first: a trial is of just that.
                    ways.append(((*order, True), trial_of(unlock, plan.trial_days)))
    return {
        feature: tuple(unlock for _order, unlock in sorted(ways, key=lambda way: way[0]))
        for feature, ways in found.items()
    }


def trial_of(unlock: Unlock, days: int) -> Unlock:
    """Write how a plan that is sold can be tried."""
    return structs.replace(unlock, kind=UnlockKind.TRIAL, price=None, currency=None, interval=None, days=days)


def _grants(term: Term) -> bool:
    is_soft = term.overage and term.limit is not None
    return term.unlimited or is_soft or bool(term.limit) or (term.value is not None and term.value is not False)


def _unlock(plan: Plan, version: PlanVersion, feature: FeatureSpec, term: Term) -> Unlock:
    asked: list[Requirement] = [one for one in (feature.requirement, term.requirement) if one is not None]
    return Unlock(
        kind=UnlockKind(str(plan.kind)),
        key=plan.key,
        title=plan.title or plan.key,
        version=version.number,
        price=version.price_amount,
        currency=version.price_currency or None,
        interval=str(version.price_interval) or None,
        requirement=reduce(or_, asked) if asked else None,
        limit=term.limit,
        unlimited=term.unlimited,
        overage=term.overage,
    )
