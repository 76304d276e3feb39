"""The answer: what may happen, why, and all that would make it."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field

from tiergate.catalogue import Unlock
from tiergate.entitlements import Entitlement
from tiergate.facts import Versions
from tiergate.proofs import FactorKind
from tiergate.requirements import Requirement


class Outcome(StrEnum):
    """The four answers."""

    ALLOW = "allow"
    STEP_UP = "step_up"
    UPGRADE = "upgrade"
    DENY = "deny"


class Reason(StrEnum):
    """Why: public and stable. Add, never rename."""

    ALLOWED = "allowed"
    UNKNOWN_TENANT = "unknown_tenant"
    TENANT_SUSPENDED = "tenant_suspended"
    UNKNOWN_ACTION = "unknown_action"
    WRONG_RESOURCE_TYPE = "wrong_resource_type"
    CALLER_NOT_ALLOWED = "caller_not_allowed"
    NOT_A_MEMBER = "not_a_member"
    MEMBERSHIP_ENDED = "membership_ended"
    NO_PRIVILEGE = "no_privilege"
    FORBIDDEN_BY_POLICY = "forbidden_by_policy"
    RISK_BLOCKED = "risk_blocked"
    MISSING_PROPERTY = "missing_property"
    NO_SESSION = "no_session"
    UNKNOWN_SESSION = "unknown_session"
    SESSION_EXPIRED = "session_expired"
    SESSION_REVOKED = "session_revoked"
    IMPERSONATED = "impersonated"
    NOT_ENTITLED = "not_entitled"
    UPGRADE_REQUIRED = "upgrade_required"
    LIMIT_REACHED = "limit_reached"
    NO_REQUIREMENT = "no_requirement"
    STEP_UP_REQUIRED = "step_up_required"
    ENROLMENT_REQUIRED = "enrolment_required"
    APPROVAL_REQUIRED = "approval_required"
    FACTS_UNAVAILABLE = "facts_unavailable"
    INTERNAL_ERROR = "internal_error"


class NeedKind(StrEnum):
    """What is missing."""

    UPGRADE = "upgrade"
    ENROL = "enrol"
    STEP_UP = "step_up"
    APPROVAL = "approval"
    WAIT = "wait"


class Method(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One way to step up: an RFC 8176 method, and who asks for it (``"tiergate"`` or a provider's name)."""

    method: str
    factor_kind: FactorKind
    issuer: str


class Need(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One unmet need; only the members of its kind are filled.

    unlocks: of upgrade: what could be bought, smallest first.
    requirement, methods: of step_up and enrol: what must hold, and what the person can show for it.
    approvals: of approval: how many people are still to agree.
    until: of wait: when it may work again.
    """

    kind: NeedKind
    unlocks: tuple[Unlock, ...] = ()
    requirement: Requirement | None = None
    methods: tuple[Method, ...] = ()
    approvals: int = 0
    until: datetime | None = None


class Effect(StrEnum):
    """What a step of the trace did to the answer."""

    GRANTS = "grants"
    WITHHOLDS = "withholds"
    REQUIRES = "requires"
    MEETS = "meets"
    LACKS = "lacks"


class TraceStep(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step of the reasoning: who says what.

    note: for an operator; it may name roles, privileges and rules, never a secret.
    """

    source: str
    effect: Effect
    note: str = ""
    requirement: Requirement | None = None


class Decision(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to one request.

    needs: all unmet needs at once; empty when allowed, and when nothing the person does would help.
    is_enforceable: False when the purpose was display: such an answer permits nothing.
    as_of: the instant it holds for. next_change_at: before it, time alone does not change the answer, save that a
    session left idle loses proofs; None: no instant is known at which it would.
    """

    outcome: Outcome
    reason: Reason
    as_of: datetime
    needs: tuple[Need, ...] = ()
    entitlement: Entitlement | None = None
    requirement: Requirement | None = None
    versions: Versions = field(default_factory=Versions)
    next_change_at: datetime | None = None
    is_enforceable: bool = True
    trace: tuple[TraceStep, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Say whether the request may go ahead."""
        return self.outcome == Outcome.ALLOW and self.is_enforceable
