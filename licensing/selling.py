"""Which version of a plan or add-on is meant."""

from collections.abc import Sequence
from uuid import UUID

from licensing.errors import UnknownPlan
from licensing.models import Plan, PlanVersion
from licensing.models.catalogue import PlanKind, VersionStatus


def plan_version(key: str, version: int | None, *, held: PlanVersion | None) -> PlanVersion:
    """Find the version to subscribe to.

    version: a number, or None for the one on sale; a tenant already on the plan then keeps the version it has,
        since a plan that is published anew never moves those who are on it.
    held: the version that the tenant is on now.
    :raises UnknownPlan: no such plan, or no version of it that can be had.
    """
    if version is None:
        if held is not None and held.plan.key == key:
            return held
        return _current(PlanKind.PLAN, key)
    found = (
        PlanVersion.objects.select_related("plan")
        .filter(plan__kind=PlanKind.PLAN, plan__key=key, number=version)
        .exclude(status=VersionStatus.DRAFT)
        .first()
    )
    is_kept = held is not None and found is not None and held.id == found.id
    if found is None or (found.status != VersionStatus.PUBLISHED and not is_kept):
        raise UnknownPlan(f"Version {version} of the plan {key!r} is not for sale.", plan=key)
    return found


def add_on_versions(keys: Sequence[str], *, held: Sequence[PlanVersion]) -> list[PlanVersion]:
    """Find the add-ons to hold, each once; one that is held already keeps its version.

    :raises UnknownPlan: no such add-on is for sale.
    """
    kept = {version.plan.key: version for version in held}
    return [kept.get(key) or _current(PlanKind.ADD_ON, key) for key in sorted(set(keys))]


def held_version(kind: PlanKind, key: str, version: int | None, *, held: Sequence[PlanVersion]) -> PlanVersion:
    """Find the version that somebody has paid for, be it retired meanwhile.

    version: a number; None for the one that is held, else the one on sale.
    :raises UnknownPlan: no such plan, add-on or version was ever published.
    """
    if version is None:
        kept = (one for one in held if one.kind == kind and one.plan.key == key)
        return next(kept, None) or _current(kind, key)
    found = (
        PlanVersion.objects.select_related("plan")
        .filter(plan__kind=kind, plan__key=key, number=version)
        .exclude(status=VersionStatus.DRAFT)
        .first()
    )
    if found is None:
        raise UnknownPlan(f"Version {version} of the {kind.label.lower()} {key!r} was never published.", plan=key)
    return found


def versions_by_id(ids: Sequence[UUID]) -> dict[UUID, PlanVersion]:
    """Read versions with their plans."""
    return {row.id: row for row in PlanVersion.objects.select_related("plan").filter(id__in=ids)}


def _current(kind: PlanKind, key: str) -> PlanVersion:
    plan = Plan.objects.select_related("current").filter(kind=kind, key=key).first() if key.isprintable() else None
    if plan is None or plan.current is None:
        raise UnknownPlan(f"No {kind.label.lower()} {key!r} is for sale.", plan=key)
    return plan.current
