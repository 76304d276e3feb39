"""Rows of the catalogue as the kernel's values, and as JSON for people and the trail."""

from typing import Any

from licensing import names
from licensing.errors import InvalidTerm
from licensing.models import Action, Feature, Plan, PlanTerm, PlanVersion, Role, RoleDefault
from tiergate import (
    ActionSpec,
    BatchSpec,
    CallerKind,
    Counted,
    FeatureKind,
    FeatureSpec,
    Requirement,
    ResetPeriod,
    Sensitivity,
    Term,
)


def requirement_json(requirement: Requirement | None) -> dict[str, object] | None:
    """Write a requirement as JSON, for a column or an answer; None stays None."""
    return None if requirement is None else requirement.to_json()


def requirement_of(value: dict[str, object] | None) -> Requirement | None:
    """Read a requirement from a column or a checked body; None stays None."""
    return None if value is None else Requirement.from_json(value)


def feature_json(row: Feature) -> dict[str, Any]:
    """Write a feature for people."""
    out = {
        "key": row.key,
        "title": row.title,
        "kind": str(row.kind),
        "sensitivity": str(row.sensitivity),
        "requirement": row.requirement,
    }
    # Said only where it is so: the catalogue's digest names content that was written before there was such a thing.
    return {**out, "counts": str(row.counts)} if row.counts else out


def feature_spec(row: Feature) -> FeatureSpec:
    """Read a feature as the kernel knows it."""
    return FeatureSpec(
        key=row.key,
        kind=FeatureKind(row.kind),
        sensitivity=Sensitivity(row.sensitivity),
        title=row.title,
        requirement=requirement_of(row.requirement),
        counts=Counted(row.counts) if row.counts else None,
    )


def action_json(row: Action) -> dict[str, Any]:
    """Write an action for people."""
    return {
        "name": row.name,
        "title": row.title,
        "feature": row.feature.key if row.feature else None,
        "resource_type": row.resource_type,
        "privilege": row.privilege,
        "environment_aware": row.environment_aware,
        "environments": dict(row.environments),
        "binds": list(row.binds),
        "callers": list(row.callers),
        "needs_highest_held": row.needs_highest_held,
        "requirement": row.requirement,
        "batch": row.batch,
    }


def action_spec(row: Action) -> ActionSpec:
    """Read an action as the kernel knows it."""
    return ActionSpec(
        name=row.name,
        resource_type=row.resource_type,
        privilege=row.privilege,
        title=row.title,
        feature=row.feature.key if row.feature else None,
        environment_aware=row.environment_aware,
        environments={name: Requirement.from_json(one) for name, one in row.environments.items()},
        binds=tuple(row.binds),
        requirement=requirement_of(row.requirement),
        callers=tuple(CallerKind(one) for one in row.callers),
        needs_highest_held=row.needs_highest_held,
        batch=None if row.batch is None else BatchSpec(**row.batch),
    )


def role_json(row: RoleDefault | Role) -> dict[str, Any]:
    """Write a role for people."""
    return {"key": row.key, "privileges": list(row.privileges), "requirement": row.requirement}


def plan_json(row: Plan) -> dict[str, Any]:
    """Write a plan for people, with the version that is on sale."""
    return {
        "key": row.key,
        "title": row.title,
        "rank": row.rank,
        "is_default": row.is_default,
        "trial_days": row.trial_days,
        "version": version_json(row.current) if row.current else None,
    }


def version_json(row: PlanVersion) -> dict[str, Any]:
    """Write a version with its price and terms."""
    price = (
        None
        if row.price_amount is None
        else {"amount": row.price_amount, "currency": row.price_currency, "interval": str(row.price_interval)}
    )
    terms = sorted(row.terms.select_related("feature"), key=lambda one: one.feature.key)
    return {
        "number": row.number,
        "status": str(row.status),
        "content_hash": row.content_hash,
        "price": price,
        "grace_days": row.grace_days,
        "terms": [term_json(term_of(one)) for one in terms],
    }


def term_json(term: Term) -> dict[str, Any]:
    """Write a term, leaving out what it does not say."""
    out: dict[str, Any] = {"feature": term.feature}
    if term.value is not None:
        out["value"] = term.value
    if term.limit is not None:
        out["limit"] = term.limit
    if term.unlimited:
        out["unlimited"] = True
    if term.reset_period is not None:
        out["reset_period"] = term.reset_period.value
    if term.overage:
        out["overage"] = True
    if term.rollover is not None:
        out["rollover"] = term.rollover
    if term.requirement is not None:
        out["requirement"] = term.requirement.to_json()
    return out


def term_of(row: PlanTerm) -> Term:
    """Read a term as the kernel knows it."""
    return Term(
        feature=row.feature.key,
        value=row.value,
        limit=row.limit,
        unlimited=row.unlimited,
        reset_period=ResetPeriod(row.reset_period) if row.reset_period else None,
        requirement=requirement_of(row.requirement),
        overage=row.overage,
        rollover=row.rollover,
    )


def term_columns(feature: Feature, term: Term) -> dict[str, Any]:
    """Write a term as the columns of a plan's term or an override.

    :raises InvalidTerm: it says what its feature's kind cannot.
    """
    value_columns(feature, value=term.value, limit=term.limit, unlimited=term.unlimited, period=term.reset_period)
    _check_soft(feature, term)
    return {
        "feature_kind": feature.kind,
        "value": names.json_value(term.value),
        "limit": term.limit,
        "unlimited": term.unlimited,
        "reset_period": term.reset_period.value if term.reset_period else "",
        "requirement": requirement_json(term.requirement),
        "overage": term.overage,
        "rollover": term.rollover,
    }


def _check_soft(feature: Feature, term: Term) -> None:
    if (term.overage or term.rollover is not None) and term.limit is None:
        raise InvalidTerm(f"{feature.key} has no limit here that could be soft or roll over.")
    if term.rollover is not None and (term.reset_period is None or not 0 <= term.rollover <= names.MAX_LIMIT):
        raise InvalidTerm(f"{feature.key} rolls over from 0 on, and from one period into the next: it needs a period.")
    if feature.counts and (term.reset_period is not None or term.rollover is not None):
        raise InvalidTerm(f"{feature.key} counts {feature.counts} as they are: it has no period.")


def value_columns(
    feature: Feature, *, value: Any, limit: int | None, unlimited: bool, period: ResetPeriod | None
) -> None:
    """Check that a value fits its feature's kind.

    :raises InvalidTerm: it does not.
    """
    is_bare = limit is None and not unlimited and period is None
    match FeatureKind(feature.kind):
        case FeatureKind.SWITCH:
            if not (isinstance(value, bool) and is_bare):
                raise InvalidTerm(f"{feature.key} is a switch: its value is true or false, and nothing else.")
        case FeatureKind.CONFIG:
            if value is None or not is_bare:
                raise InvalidTerm(f"{feature.key} is a config: it has a value that is not null, and nothing else.")
        case FeatureKind.LIMIT:
            is_counted = limit is not None and 0 <= limit <= names.MAX_LIMIT
            if value is not None or is_counted == unlimited or (unlimited and limit is not None):
                raise InvalidTerm(f"{feature.key} is a limit: it has a limit from 0 on, or is unlimited.")
