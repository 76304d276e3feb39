"""What a regulated feature has asked of a tenant, it keeps asking."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from licensing.models import Feature, PlanTerm, RequirementFloor
from tiergate import Requirement, Sensitivity


def regulated_requirements(version_ids: Iterable[UUID]) -> dict[UUID, Requirement]:
    """Join what versions ask of regulated features, by the feature's id."""
    out: dict[UUID, Requirement] = {}
    rows = PlanTerm.objects.filter(
        version_id__in=list(version_ids),
        feature__sensitivity=Sensitivity.REGULATED.value,
        requirement__isnull=False,
    )
    for feature_id, asked in rows.values_list("feature_id", "requirement"):
        requirement = Requirement.from_json(asked or {})
        out[feature_id] = out[feature_id] | requirement if feature_id in out else requirement
    return out


def floors_json(raised: dict[UUID, Requirement]) -> dict[str, Any]:
    """Write floors that were raised for the trail, by the feature's key."""
    keys = dict(Feature.objects.filter(id__in=list(raised)).values_list("id", "key"))
    return {keys[feature_id]: requirement.to_json() for feature_id, requirement in raised.items()}


def keep_at_least(
    *, tenant_id: UUID, asked: dict[UUID, Requirement], now_asked: dict[UUID, Requirement], because: str, at: datetime
) -> dict[UUID, Requirement]:
    """Raise a floor under each regulated feature of which less would be asked from now on.

    Runs in the transaction that lowers. Returns the floors that were raised.

    asked: what was asked until now, by feature; now_asked: what will be.
    """
    raised = {}
    for feature_id, requirement in asked.items():
        left = now_asked.get(feature_id)
        if left is not None and left.is_at_least(requirement):
            continue
        row = RequirementFloor.objects.select_for_update().filter(tenant_id=tenant_id, feature_id=feature_id).first()
        joined = requirement | Requirement.from_json(row.requirement) if row else requirement
        if row is None:
            RequirementFloor.objects.create(
                tenant_id=tenant_id,
                feature_id=feature_id,
                requirement=joined.to_json(),
                because=because,
                raised_at=at,
            )
        elif joined.to_json() != row.requirement:
            row.requirement, row.because, row.raised_at = joined.to_json(), because, at
            row.save(update_fields=["requirement", "because", "raised_at"])
        else:
            continue
        raised[feature_id] = joined
    return raised
