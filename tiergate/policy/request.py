"""The request as rules read it; what nobody knows is the worst, or absent."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from tiergate.catalogue import Sensitivity
from tiergate.circumstances import Band, NetworkClass
from tiergate.environments import EnvironmentSensitivity


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
