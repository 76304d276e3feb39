"""Everything that a decision is made from, gathered beforehand; a decision reads nothing else."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct, field

from tiergate.assurance import Activity
from tiergate.catalogue import ActionSpec, CallerKind, Unlock
from tiergate.circumstances import NOTHING_KNOWN, Circumstances
from tiergate.entitlements import Entitlement
from tiergate.environments import EnvironmentSensitivity
from tiergate.proofs import Authenticator, BatchItem, Proof, Target
from tiergate.requirements import Contribution


class Purpose(StrEnum):
    """Why the product asks: to enforce, or to draw a menu. A display answer permits nothing."""

    ENFORCE = "enforce"
    DISPLAY = "display"


class SessionState(StrEnum):
    """What became of the session that was named; one of another tenant or subject is unknown."""

    LIVE = "live"
    EXPIRED = "expired"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


class TenantFact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The tenant asked about. is_vendor: it is tenant zero."""

    id: str
    slug: str
    is_active: bool
    is_vendor: bool = False


class MemberFact(Struct, frozen=True, kw_only=True):
    """The subject's membership of the tenant."""

    roles: tuple[str, ...]
    is_active: bool


class ServiceFact(Struct, frozen=True, kw_only=True):
    """A service that asks in its own name, known by its credential.

    id: the credential's, which a new secret keeps and another credential of the same name has not; "" in what was
    recorded before it was told.
    """

    name: str
    verbs: tuple[str, ...]
    id: str = ""


class SessionFacts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The session that was named, its live proofs, and what its person could show if asked.

    enrolled: our own authenticators, and what an identity provider vouched for in this session: left out, it
    would not count towards the highest level that changing a factor asks for.
    impersonated_by: who of the vendor's support acts as the person; "" for the person themselves.
    started_at: None in what was recorded before it was told.
    """

    handle: str
    state: SessionState
    proofs: tuple[Proof, ...] = ()
    activity: Activity = field(default_factory=Activity)
    enrolled: tuple[Authenticator, ...] = ()
    expires_at: datetime | None = None
    impersonated_by: str = ""
    started_at: datetime | None = None

    @property
    def is_impersonated(self) -> bool:
        """Say whether it is not the person who acts; whatever is not plainly nobody is somebody."""
        return self.impersonated_by != ""


class UsageFact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How much of a limit is taken in the current period, which ends at ``reset_at``.

    carried: what was left of the period before and comes on top of the limit.
    """

    used: int
    reserved: int = 0
    reset_at: datetime | None = None
    carried: int = 0


RISK: Final = "risk"
"""The source of what is asked or refused because a request looks risky."""


class Forbid(Struct, frozen=True, kw_only=True):
    """A flat no of a policy, of the thing acted on, or of risk; it wins over everything."""

    source: str
    because: str


class Versions(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """By what the answer was made: the tenant's snapshot, the catalogue, and the bundle of rules ("" where none is in force)."""

    snapshot: str = ""
    policy: str = ""
    bundle: str = ""


class Facts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that is known about one request at ``at``; what is absent counts against it.

    subject: (type, id). resource: (type, id).
    privileges: what the member's roles grant.
    environments: what the tenant declares, by name; read where the action minds the environment.
    usage: must be given when the entitlement is a limit. quantity: how much of it this request takes.
    binding: the canonical hash of this very request (see `tiergate.binding`).
    item: the thing asked about as one of several, where the action may be confirmed so.
    missing_fields: bound properties that the request should have carried and did not.
    contributions: what roles, the platform, policy and risk ask; the kernel adds the action's, the
    environment's and the entitlement's own.
    faults: facts that could not be gathered.
    circumstances: what only rules of a policy read.
    rules_change_at: before it, time alone changes nothing that such rules say; None where it never does.
    """

    at: datetime
    subject: tuple[str, str]
    action_name: str
    resource: tuple[str, str]
    binding: str
    purpose: Purpose = Purpose.ENFORCE
    caller: CallerKind = CallerKind.PERSON
    tenant: TenantFact | None = None
    member: MemberFact | None = None
    service: ServiceFact | None = None
    privileges: tuple[str, ...] = ()
    action: ActionSpec | None = None
    environment: str | None = None
    environments: Mapping[str, EnvironmentSensitivity] = field(default_factory=dict)
    missing_fields: tuple[str, ...] = ()
    entitlement: Entitlement | None = None
    unlocks: tuple[Unlock, ...] = ()
    usage: UsageFact | None = None
    session: SessionFacts | None = None
    approvals: int = 0
    item: BatchItem | None = None
    contributions: tuple[Contribution, ...] = ()
    forbids: tuple[Forbid, ...] = ()
    faults: tuple[str, ...] = ()
    quantity: int = 1
    versions: Versions = field(default_factory=Versions)
    circumstances: Circumstances = NOTHING_KNOWN
    rules_change_at: datetime | None = None

    def target(self) -> Target:
        """Give the one thing that is asked about, as proofs cover it."""
        return Target(action=self.action_name, resource="/".join(self.resource), binding=self.binding, item=self.item)
