"""What a tenant would have by other versions of plans and add-ons; nothing is written here."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from isolation.api import tenant_transaction
from licensing.compiled import Catalogue, CompiledVersion
from licensing.errors import UnknownPlan
from licensing.holdings import read_holdings
from licensing.plans.effects import Effect, effect_of
from licensing.ratchet import regulated_requirements
from tiergate import Grant, Requirement


def foresee(*, tenant_id: UUID, versions: Iterable[tuple[str, str, int]], at: datetime) -> Effect:
    """Work out what a tenant would gain and lose by holding these versions instead of what it has at ``at``.

    Exceptions and what is asked for good stay as they are.

    versions: kind, key and number of each; none: what is left where nothing is paid for, the default plan's terms.
    :raises TenantNotFound: there is no such tenant. :raises UnknownPlan: a version that was never published.
    """
    named = [f"{kind}:{key}@{number}" for kind, key, number in versions]
    with tenant_transaction(tenant_id, snapshot=True):
        held = read_holdings(tenant_id, known=None, since=at)
        wanted = _found(held.catalogue, named)
        had = {grant.source for grants in held.grants.values() for grant in grants if grant.is_active(at)}
        floors = floors_after(
            held.floors,
            held.catalogue,
            old=[key for key, one in held.catalogue.versions.items() if one.source in had],
            new=list(wanted),
        )
    compiled = list(wanted.values())
    if not compiled and held.catalogue.default is not None:
        compiled = [held.catalogue.default]
    after = replace(held, grants=_grants(compiled, at), floors=floors)
    return effect_of(held.resolve(at).entitlements, after.resolve(at).entitlements)


def floors_after(
    floors: Mapping[str, Requirement], catalogue: Catalogue, *, old: Iterable[UUID], new: Iterable[UUID]
) -> dict[str, Requirement]:
    """Add to a tenant's floors what the ratchet keeps of regulated features when it leaves versions for others."""
    out = dict(floors)
    left = regulated_requirements(new)
    for feature_id, asked in regulated_requirements(old).items():
        key = catalogue.features_by_id[feature_id]
        if feature_id not in left or not left[feature_id].is_at_least(asked):
            out[key] = out[key] | asked if key in out else asked
    return out


def _found(catalogue: Catalogue, named: Iterable[str]) -> dict[UUID, CompiledVersion]:
    by_source = {one.source: key for key, one in catalogue.versions.items()}
    unknown = [name for name in named if name not in by_source]
    if unknown:
        raise UnknownPlan(f"{unknown[0]} was never published.", plan=unknown[0])
    return {by_source[name]: catalogue.versions[by_source[name]] for name in named}


def _grants(versions: Iterable[CompiledVersion], at: datetime) -> dict[str, tuple[Grant, ...]]:
    out: dict[str, tuple[Grant, ...]] = {}
    for one in versions:
        for term in one.terms:
            grant = Grant(source=one.source, kind=one.kind, term=term, active_from=at)
            out[term.feature] = (*out.get(term.feature, ()), grant)
    return out
