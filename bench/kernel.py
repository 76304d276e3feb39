"""Prints what one decision of the pure kernel costs, for each answer.

Run with ``python -m bench.kernel``. Each figure is the median of its rounds, in microseconds a decision.
"""

import statistics
import sys
import timeit
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from tiergate import (
    ActionSpec,
    Contribution,
    Entitlement,
    FactorKind,
    Facts,
    FeatureKind,
    Level,
    MemberFact,
    Outcome,
    Proof,
    Requirement,
    Sensitivity,
    SessionFacts,
    SessionState,
    TenantFact,
    Unlock,
    UnlockKind,
    decide,
)
from tiergate.proofs import Authenticator

ROUNDS = 15
DECISIONS = 2000
AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
STANDARD = Requirement(level=Level.AAL1)
STRICT = Requirement(level=Level.AAL2, max_age=900)


def _facts(*, totp: timedelta, is_granted: bool = True, privileges: tuple[str, ...] = ("reports.export",)) -> Facts:
    """Make the facts of a typical question: two proofs, four sources that ask, one licensed feature."""
    proofs = (
        Proof(
            method="pwd",
            at=AT - timedelta(hours=1),
            issuer="tiergate",
            authenticator="password",
            factor_kind=FactorKind.KNOWLEDGE,
        ),
        Proof(method="otp", at=AT - totp, issuer="tiergate", authenticator="t1", factor_kind=FactorKind.POSSESSION),
    )
    enrolled = (
        Authenticator(method="pwd", authenticator="password", factor_kind=FactorKind.KNOWLEDGE),
        Authenticator(method="otp", authenticator="t1", factor_kind=FactorKind.POSSESSION),
    )
    plan = Contribution(source="plan:regulated@2", requirement=STRICT)
    return Facts(
        at=AT,
        subject=("user", "alice"),
        action_name="reports.export",
        resource=("report", "q3"),
        binding="b" * 64,
        tenant=TenantFact(id="acme", slug="acme", is_active=True),
        member=MemberFact(roles=("analyst",), is_active=True),
        privileges=("reports.read", *privileges),
        action=ActionSpec(
            name="reports.export",
            resource_type="report",
            privilege="reports.export",
            feature="exports",
            requirement=STANDARD,
        ),
        entitlement=Entitlement(
            feature="exports",
            kind=FeatureKind.SWITCH,
            sensitivity=Sensitivity.REGULATED,
            is_granted=is_granted,
            value=is_granted,
            contributions=(plan,) if is_granted else (),
            sources=("plan:regulated@2",) if is_granted else (),
        ),
        unlocks=(Unlock(kind=UnlockKind.PLAN, key="regulated", title="Regulated", version=2, requirement=STRICT),),
        session=SessionFacts(handle="ses_1", state=SessionState.LIVE, proofs=proofs, enrolled=enrolled),
        contributions=(
            Contribution(source="platform", requirement=STANDARD),
            Contribution(source="role:analyst", requirement=STANDARD),
        ),
    )


def _questions() -> Mapping[Outcome, Facts]:
    fresh, stale = timedelta(minutes=5), timedelta(minutes=20)
    return {
        Outcome.ALLOW: _facts(totp=fresh),
        Outcome.STEP_UP: _facts(totp=stale),
        Outcome.UPGRADE: _facts(totp=fresh, is_granted=False),
        Outcome.DENY: _facts(totp=fresh, privileges=()),
    }


def measure() -> dict[Outcome, float]:
    """Time each kind of answer and give microseconds a decision."""
    figures = {}
    for outcome, facts in _questions().items():
        if decide(facts).outcome != outcome:
            raise AssertionError(f"the question meant to end in {outcome} ends in {decide(facts).reason}")
        timer = timeit.Timer(lambda facts=facts: decide(facts))  # type: ignore[misc]
        rounds = [timer.timeit(DECISIONS) / DECISIONS * 1e6 for _ in range(ROUNDS)]
        figures[outcome] = statistics.median(rounds)
    return figures


def main() -> None:
    """Measure and print."""
    for outcome, cost in measure().items():
        sys.stdout.write(f"decide {outcome:8} {cost:6.1f} µs\n")


if __name__ == "__main__":
    main()
