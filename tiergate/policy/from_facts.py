"""What rules read of a decision's facts, field by field; what nobody knows is the worst, or absent.

A field is read only where some rule reads it: that is most of what asking rules costs besides CEL.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from tiergate.assurance import leading_proofs
from tiergate.catalogue import CallerKind, Sensitivity
from tiergate.durations import of_seconds
from tiergate.environments import EnvironmentSensitivity, sensitivity_of
from tiergate.facts import Facts
from tiergate.levels import Level
from tiergate.policy.request import AssuranceRead, Request, RiskRead
from tiergate.policy.schema import RISK_BANDS

_LEVELS: Final = ((3, Level.AAL3), (2, Level.AAL2), (1, Level.AAL1))
_WORST_SCORE: Final = RiskRead().score

type Reader = Callable[[Facts], object]


def request_of(facts: Facts) -> Request:
    """Make the whole request that rules may read from a decision's facts."""
    groups: dict[str, dict[str, Any]] = {}
    for name, read in READERS.items():
        group, _, member = name.partition(".")
        groups.setdefault(group, {})[member] = read(facts)
    blank = Request()
    made = {group: type(getattr(blank, group))(**members) for group, members in groups.items()}
    return Request(assurance=assurance_of(facts), **made)


def assurance_of(facts: Facts) -> AssuranceRead:
    """Say what was shown for this request: the fields of ``assurance``, which have the same proofs behind them."""
    session = facts.session
    if session is None:
        return AssuranceRead()
    target = facts.target()
    for rank, level in _LEVELS:
        leading = leading_proofs(
            level,
            session.proofs,
            target=target,
            activity=session.activity,
            at=facts.at,
            enrolled=session.enrolled,
        )
        if leading:
            return AssuranceRead(
                level=rank,
                age=min(max(0, _seconds(facts.at, one.at) or 0) for one in leading),
                is_phishing_resistant=any(one.phishing_resistant is True for one in leading),
                is_device_bound=any(one.device_bound is True for one in leading),
            )
    return AssuranceRead()


def _resource_type(facts: Facts) -> str | None:
    return None if facts.action is None else facts.action.resource_type


def feature_of(facts: Facts) -> str | None:
    """Name the feature that an action uses; "" where it needs none, None where it is no action."""
    return None if facts.action is None else facts.action.feature or ""


def _sensitivity(facts: Facts) -> Sensitivity:
    action, entitlement = facts.action, facts.entitlement
    if action is None:
        return Sensitivity.REGULATED
    if action.feature is None:
        return Sensitivity.STANDARD
    is_its = entitlement is not None and entitlement.feature == action.feature
    return entitlement.sensitivity if entitlement is not None and is_its else Sensitivity.REGULATED


def _roles(facts: Facts) -> tuple[str, ...] | None:
    if facts.member is not None:
        return facts.member.roles
    return () if _is_service(facts) else None


def _is_service(facts: Facts) -> bool:
    return facts.caller == CallerKind.SERVICE


def _is_impersonated(facts: Facts) -> bool:
    return facts.session is not None and facts.session.is_impersonated


def _environment(facts: Facts) -> EnvironmentSensitivity:
    found = sensitivity_of(facts.environment, facts.environments)
    return EnvironmentSensitivity.PRODUCTION if found is None else found


def _session_age(facts: Facts) -> int | None:
    return None if facts.session is None else _seconds(facts.at, facts.session.started_at)


def _risk_band(facts: Facts) -> str:
    band = facts.circumstances.risk_band
    return band if band in RISK_BANDS else "unknown"


def _risk_score(facts: Facts) -> float:
    score = facts.circumstances.risk_score
    # What is no score, and what is none at all, is the worst.
    return score if score is not None and 0.0 <= score <= 1.0 else _WORST_SCORE


def _has_transaction(facts: Facts) -> bool:
    known = facts.circumstances
    return (
        known.has_transaction
        or known.transaction_amount is not None
        or known.transaction_type is not None
        or known.transaction_currency is not None
    )


def _hour(facts: Facts) -> int | None:
    local = _local(facts)
    return None if local is None else local.hour


def _weekday(facts: Facts) -> int | None:
    local = _local(facts)
    return None if local is None else local.isoweekday()


def _zone(facts: Facts) -> str | None:
    return None if facts.circumstances.offset is None else facts.circumstances.zone


def _local(facts: Facts) -> datetime | None:
    """Give the time of the tenant's clocks; None where nobody knows their zone, or what it was ahead by."""
    zone, offset = facts.circumstances.zone, facts.circumstances.offset
    return None if zone is None or offset is None else facts.at + of_seconds(offset)


def _seconds(at: datetime, since: datetime | None) -> int | None:
    """Count whole seconds; an instant after ``at`` gives less than nothing, which no age is, so it is not known."""
    return None if since is None else int((at - since).total_seconds())


READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        "action.name": lambda facts: facts.action_name,
        "action.resource_type": _resource_type,
        "action.feature": feature_of,
        "action.sensitivity": _sensitivity,
        "action.scopes": lambda facts: facts.circumstances.scopes,
        "subject.type": lambda facts: facts.subject[0],
        "subject.id": lambda facts: facts.subject[1],
        "subject.roles": _roles,
        "subject.is_service": _is_service,
        "subject.is_impersonated": _is_impersonated,
        "tenant.id": lambda facts: None if facts.tenant is None else facts.tenant.id,
        "tenant.slug": lambda facts: None if facts.tenant is None else facts.tenant.slug,
        "tenant.is_vendor": lambda facts: None if facts.tenant is None else facts.tenant.is_vendor,
        "plan.keys": lambda facts: facts.circumstances.plans,
        "resource.type": lambda facts: facts.resource[0],
        "resource.id": lambda facts: facts.resource[1],
        "environment.name": lambda facts: facts.environment or "",
        "environment.sensitivity": _environment,
        "session.age": _session_age,
        "session.is_present": lambda facts: facts.session is not None,
        "risk.band": _risk_band,
        "risk.score": _risk_score,
        "transaction.is_present": _has_transaction,
        "transaction.type": lambda facts: facts.circumstances.transaction_type,
        "transaction.amount": lambda facts: facts.circumstances.transaction_amount,
        "transaction.currency": lambda facts: facts.circumstances.transaction_currency,
        "origin.is_located": lambda facts: facts.circumstances.country is not None,
        "origin.country": lambda facts: facts.circumstances.country,
        "origin.network_class": lambda facts: facts.circumstances.network_class,
        "device.is_known": lambda facts: facts.circumstances.is_known_device,
        "time.now": lambda facts: facts.at,
        "time.hour": _hour,
        "time.weekday": _weekday,
        "time.zone": _zone,
    }
)
"""How to read each field but those of ``assurance``, which `assurance_of` gives together."""
