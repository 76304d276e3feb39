"""What a bench of rules asks about: facts of many people, as a day brings them, and what has to come of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from tiergate import (
    ActionSpec,
    Activity,
    Authenticator,
    Circumstances,
    Contribution,
    Decision,
    Entitlement,
    EnvironmentSensitivity,
    FactorKind,
    Facts,
    FeatureKind,
    Level,
    MemberFact,
    Outcome,
    Proof,
    Reason,
    Requirement,
    Sensitivity,
    SessionFacts,
    SessionState,
    TenantFact,
    Unlock,
    UnlockKind,
    Versions,
)

_MORNING: Final = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
_ONE: Final = Requirement(level=Level.AAL1)
_TWO: Final = Requirement(level=Level.AAL2)
_ACTION: Final = ActionSpec(
    name="reports.export",
    resource_type="report",
    privilege="reports.export",
    feature="exports",
    requirement=_ONE,
    environment_aware=True,
    environments={"production": _TWO},
)
_UNLOCK: Final = Unlock(kind=UnlockKind.PLAN, key="regulated", title="Regulated", version=2, requirement=_TWO)
_ENVIRONMENTS: Final = {"eu-1": EnvironmentSensitivity.PRODUCTION, "lab": EnvironmentSensitivity.STAGING}
_ENROLLED: Final = (
    Authenticator(method="pwd", authenticator="password", factor_kind=FactorKind.KNOWLEDGE),
    Authenticator(method="otp", authenticator="t1", factor_kind=FactorKind.POSSESSION),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request, and its right answer. rules: that ask for something, or forbid it, in order."""

    facts: Facts
    outcome: Outcome
    reason: Reason
    rules: tuple[str, ...]

    def is_answered_by(self, judged: Facts, decision: Decision) -> bool:
        """Say whether an answer is the right one. judged: the facts, with what the rules say of them."""
        said = [one.source for one in judged.contributions] + [one.source for one in judged.forbids]
        rules = tuple(one.removeprefix("policy:") for one in said if one.startswith("policy"))
        return (decision.outcome, decision.reason, rules) == (self.outcome, self.reason, self.rules)


def make_questions(rounds: int) -> list[Question]:
    """Make twenty questions a round, each of another person, session, time and amount.

    Eleven of them are allowed, five asked to step up or to have somebody agree, and the others refused or to upgrade.
    """
    return [make(20 * number + each) for number in range(rounds) for each, make in enumerate(_KINDS)]


def _ordinary(number: int) -> Question:
    return Question(facts=_facts(number), outcome=Outcome.ALLOW, reason=Reason.ALLOWED, rules=("mine-production",))


def _large(number: int) -> Question:
    return Question(
        facts=replace(_facts(number, amount=250_000 + number), approvals=1),
        outcome=Outcome.ALLOW,
        reason=Reason.ALLOWED,
        rules=("mine-amount", "mine-production"),
    )


def _not_agreed_to(number: int) -> Question:
    return Question(
        facts=_facts(number, amount=250_000 + number),
        outcome=Outcome.STEP_UP,
        reason=Reason.APPROVAL_REQUIRED,
        rules=("mine-amount", "mine-production"),
    )


def _too_long_ago(number: int) -> Question:
    return Question(
        facts=_facts(number, shown=timedelta(minutes=20)),
        outcome=Outcome.STEP_UP,
        reason=Reason.STEP_UP_REQUIRED,
        rules=("mine-production",),
    )


def _new_device(number: int) -> Question:
    return Question(
        facts=_facts(number, is_known_device=False),
        outcome=Outcome.STEP_UP,
        reason=Reason.ENROLMENT_REQUIRED,
        rules=("mine-production", "mine-risk"),
    )


def _contractor(number: int) -> Question:
    return Question(
        facts=replace(_facts(number), member=MemberFact(roles=("analyst", "contractor"), is_active=True)),
        outcome=Outcome.DENY,
        reason=Reason.FORBIDDEN_BY_POLICY,
        rules=("mine-production", "mine-feature"),
    )


def _hour_unknown(number: int) -> Question:
    """Make one about which a rule cannot be judged, which refuses."""
    return Question(
        facts=_facts(number, zone=None, offset=None),
        outcome=Outcome.DENY,
        reason=Reason.FORBIDDEN_BY_POLICY,
        rules=("mine-production", "mine-hours"),
    )


def _not_licensed(number: int) -> Question:
    return Question(
        facts=replace(_facts(number), entitlement=_entitlement(is_granted=False)),
        outcome=Outcome.UPGRADE,
        reason=Reason.UPGRADE_REQUIRED,
        rules=("mine-production",),
    )


_KINDS: Final[tuple[Callable[[int], Question], ...]] = (
    *(8 * (_ordinary,)),
    *(3 * (_large,)),
    *(2 * (_not_agreed_to,)),
    *(3 * (_too_long_ago,)),
    _new_device,
    _contractor,
    _hour_unknown,
    _not_licensed,
)


def _facts(number: int, *, amount: int = 0, shown: timedelta = timedelta(minutes=5), **known: Any) -> Facts:
    """Make what is gathered for one person. shown: how long ago the second factor was. known: `Circumstances`."""
    at = _MORNING + timedelta(seconds=97 * number % 30_000)
    circumstances: Mapping[str, Any] = {
        "scopes": ("exports:write",),
        "plans": ("regulated", "seats"),
        "risk_band": ("low", "medium")[number % 2],
        "risk_score": number % 50 / 100,
        "has_transaction": True,
        "transaction_type": "export",
        "transaction_amount": amount or 100 + number,
        "transaction_currency": "EUR",
        "country": ("DE", "FR", "NL")[number % 3],
        "network_class": "business",
        "is_known_device": True,
        "zone": "Europe/Berlin",
        "offset": 3600,
    }
    return Facts(
        at=at,
        subject=("user", f"person-{number}"),
        action_name="reports.export",
        resource=("report", f"q{number}"),
        binding=f"{number:064x}",
        tenant=TenantFact(id=f"{number % 50:032x}", slug=f"tenant-{number % 50}", is_active=True),
        member=MemberFact(roles=("analyst", "viewer"), is_active=True),
        privileges=("reports.read", "reports.export"),
        action=_ACTION,
        environment="eu-1",
        environments=_ENVIRONMENTS,
        entitlement=_entitlement(is_granted=True),
        unlocks=(_UNLOCK,),
        session=SessionFacts(
            handle=f"ses_{number}",
            state=SessionState.LIVE,
            proofs=_proofs(at, shown),
            activity=Activity(last_seen_at=at - timedelta(seconds=number % 600)),
            enrolled=_ENROLLED,
            expires_at=at + timedelta(hours=8),
            started_at=at - timedelta(minutes=60 + number % 100),
        ),
        contributions=(
            Contribution(source="platform", requirement=_ONE),
            Contribution(source="role:analyst", requirement=_ONE),
        ),
        versions=Versions(snapshot=f"{number % 50}.1", policy="7"),
        circumstances=Circumstances(**{**circumstances, **known}),
    )


def _proofs(at: datetime, shown: timedelta) -> tuple[Proof, ...]:
    hour = timedelta(hours=1)
    return (
        Proof(
            method="pwd",
            at=at - hour,
            issuer="tiergate",
            authenticator="password",
            factor_kind=FactorKind.KNOWLEDGE,
        ),
        Proof(method="otp", at=at - shown, issuer="tiergate", authenticator="t1", factor_kind=FactorKind.POSSESSION),
    )


def _entitlement(*, is_granted: bool) -> Entitlement:
    return Entitlement(
        feature="exports",
        kind=FeatureKind.SWITCH,
        sensitivity=Sensitivity.REGULATED,
        is_granted=is_granted,
        value=is_granted,
        contributions=(Contribution(source="plan:regulated@2", requirement=_TWO),) if is_granted else (),
        sources=("plan:regulated@2",) if is_granted else (),
    )
