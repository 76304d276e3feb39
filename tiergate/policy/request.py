"""The request as rules read it, made from a decision's facts; what nobody knows is the worst, or absent."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

import msgspec
from msgspec import Struct

from tiergate.assurance import leading_proofs
from tiergate.catalogue import CallerKind, Sensitivity
from tiergate.circumstances import Band, NetworkClass
from tiergate.environments import EnvironmentSensitivity, sensitivity_of
from tiergate.facts import Facts
from tiergate.levels import Level
from tiergate.policy.schema import GROUPS, RISK_BANDS

_LEVELS = ((3, Level.AAL3), (2, Level.AAL2), (1, Level.AAL1))


class ActionRead(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The action that is asked for."""

    name: str | None = None
    resource_type: str | None = None
    feature: str | None = None
    sensitivity: Sensitivity = Sensitivity.REGULATED
    scopes: tuple[str, ...] | None = None


class SubjectRead(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Who asks."""

    type: str | None = None
    id: str | None = None
    roles: tuple[str, ...] | None = None
    is_service: bool | None = None
    is_impersonated: bool = True


class TenantRead(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The tenant asked about."""

    id: str | None = None
    slug: str | None = None
    is_vendor: bool | None = None


class PlanRead(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the tenant holds."""

    keys: tuple[str, ...] | None = None


class ResourceRead(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the action is to be done to."""

    type: str | None = None
    id: str | None = None


class EnvironmentRead(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where it is to be done."""

    name: str | None = None
    sensitivity: EnvironmentSensitivity = EnvironmentSensitivity.PRODUCTION


class SessionRead(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The session that was named. age: seconds."""

    age: int | None = None
    is_present: bool = False


class AssuranceRead(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What was shown for this request. age: seconds."""

    level: int = 0
    age: int | None = None
    is_phishing_resistant: bool = False
    is_device_bound: bool = False


class RiskRead(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How risky it looks."""

    band: Band = "unknown"
    score: float = 1.0


class TransactionRead(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The transaction that is asked for. amount: minor units."""

    is_present: bool = False
    type: str | None = None
    amount: int | None = None
    currency: str | None = None


class OriginRead(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where the request comes from."""

    is_located: bool = False
    country: str | None = None
    network_class: NetworkClass = "unknown"


class DeviceRead(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The device that it comes from."""

    is_known: bool = False


class TimeRead(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """When. hour, weekday: in the tenant's zone."""

    now: datetime | None = None
    hour: int | None = None
    weekday: int | None = None
    zone: str | None = None


class Request(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """All that a rule may read of one request: `tiergate.policy.schema` as a struct, and as a JSON object."""

    action: ActionRead = ActionRead()
    subject: SubjectRead = SubjectRead()
    tenant: TenantRead = TenantRead()
    plan: PlanRead = PlanRead()
    resource: ResourceRead = ResourceRead()
    environment: EnvironmentRead = EnvironmentRead()
    session: SessionRead = SessionRead()
    assurance: AssuranceRead = AssuranceRead()
    risk: RiskRead = RiskRead()
    transaction: TransactionRead = TransactionRead()
    origin: OriginRead = OriginRead()
    device: DeviceRead = DeviceRead()
    time: TimeRead = TimeRead()

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> "Request":
        """Read a request from its JSON object, strictly; what is left out counts as unknown.

        :raises ValueError: an unknown member, or a value of the wrong type or out of its values; it names the path.
        """
        return msgspec.convert(value, cls)

    def to_json(self) -> dict[str, object]:
        """Write the request as a JSON object of what is known."""
        written: dict[str, object] = msgspec.json.decode(msgspec.json.encode(self))
        return {group: known for group, known in written.items() if known}


def request_of(facts: Facts, groups: Iterable[str] = GROUPS) -> Request:
    """Make the request that rules read from a decision's facts.

    groups: those of `GROUPS` that are going to be read; the others are left as if nobody knew anything of them.
    """
    return Request(**{group: _READERS[group](facts) for group in groups})


def action_of(facts: Facts) -> ActionRead:
    """Make what rules are found by, before it is known what they read."""
    action, scopes = facts.action, facts.circumstances.scopes
    if action is None:
        return ActionRead(name=facts.action_name, scopes=scopes)
    sensitivity = Sensitivity.REGULATED
    if action.feature is None:
        sensitivity = Sensitivity.STANDARD
    elif facts.entitlement is not None and facts.entitlement.feature == action.feature:
        sensitivity = facts.entitlement.sensitivity
    return ActionRead(
        name=facts.action_name,
        resource_type=action.resource_type,
        feature=action.feature or "",
        sensitivity=sensitivity,
        scopes=scopes,
    )


def _subject(facts: Facts) -> SubjectRead:
    is_service = facts.caller == CallerKind.SERVICE
    roles = facts.member.roles if facts.member is not None else () if is_service else None
    return SubjectRead(
        type=facts.subject[0],
        id=facts.subject[1],
        roles=roles,
        is_service=is_service,
        is_impersonated=facts.session is not None and facts.session.is_impersonated,
    )


def _tenant(facts: Facts) -> TenantRead:
    tenant = facts.tenant
    return TenantRead() if tenant is None else TenantRead(id=tenant.id, slug=tenant.slug, is_vendor=tenant.is_vendor)


def _plan(facts: Facts) -> PlanRead:
    return PlanRead(keys=facts.circumstances.plans)


def _resource(facts: Facts) -> ResourceRead:
    return ResourceRead(type=facts.resource[0], id=facts.resource[1])


def _environment(facts: Facts) -> EnvironmentRead:
    found = sensitivity_of(facts.environment, facts.environments)
    return EnvironmentRead(
        name=facts.environment or "", sensitivity=EnvironmentSensitivity.PRODUCTION if found is None else found
    )


def _session(facts: Facts) -> SessionRead:
    if facts.session is None:
        return SessionRead()
    return SessionRead(is_present=True, age=_seconds(facts.at, facts.session.started_at))


def _assurance(facts: Facts) -> AssuranceRead:
    session = facts.session
    if session is None:
        return AssuranceRead()
    for rank, level in _LEVELS:
        leading = leading_proofs(
            level,
            session.proofs,
            target=facts.target(),
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


def _risk(facts: Facts) -> RiskRead:
    context = facts.circumstances
    band: Band = context.risk_band if context.risk_band in RISK_BANDS else "unknown"
    score = context.risk_score
    # What is no score, and what is none at all, is the worst.
    return RiskRead(band=band, score=score) if score is not None and 0.0 <= score <= 1.0 else RiskRead(band=band)


def _transaction(facts: Facts) -> TransactionRead:
    context = facts.circumstances
    said = (context.transaction_type, context.transaction_amount, context.transaction_currency)
    return TransactionRead(
        is_present=context.has_transaction or any(one is not None for one in said),
        type=said[0],
        amount=said[1],
        currency=said[2],
    )


def _origin(facts: Facts) -> OriginRead:
    context = facts.circumstances
    return OriginRead(
        is_located=context.country is not None, country=context.country, network_class=context.network_class
    )


def _device(facts: Facts) -> DeviceRead:
    return DeviceRead(is_known=facts.circumstances.is_known_device)


def _time(facts: Facts) -> TimeRead:
    context = facts.circumstances
    if context.zone is None or context.offset is None:
        return TimeRead(now=facts.at)
    local = facts.at + timedelta(seconds=context.offset)
    return TimeRead(now=facts.at, hour=local.hour, weekday=local.isoweekday(), zone=context.zone)


def _seconds(at: datetime, since: datetime | None) -> int | None:
    """Count whole seconds; an instant after ``at`` gives less than nothing, which no age is, so it is not known."""
    return None if since is None else int((at - since).total_seconds())


_READERS: Final[Mapping[str, Callable[[Facts], Any]]] = MappingProxyType(
    {
        "action": action_of,
        "subject": _subject,
        "tenant": _tenant,
        "plan": _plan,
        "resource": _resource,
        "environment": _environment,
        "session": _session,
        "assurance": _assurance,
        "risk": _risk,
        "transaction": _transaction,
        "origin": _origin,
        "device": _device,
        "time": _time,
    }
)
