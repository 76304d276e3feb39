"""What is missing: of the licence, of what was shown, and of other people's agreement."""

from datetime import datetime

from tiergate.assurance import changes_at, could_satisfy, satisfied_until
from tiergate.catalogue import ActionSpec, CallerKind
from tiergate.decision import Effect, Method, Need, NeedKind, Reason, TraceStep
from tiergate.facts import Facts, SessionFacts
from tiergate.proofs import Target
from tiergate.refusals import is_counted
from tiergate.requirements import Requirement


def find_licence_needs(
    facts: Facts, action: ActionSpec, trace: list[TraceStep]
) -> tuple[tuple[Need, ...], Reason | None]:
    """Say what the licence lacks; a reason without needs means that nothing on offer would do."""
    if action.feature is None:
        return (), None
    entitlement = facts.entitlement
    source = f"feature:{action.feature}"
    upgrade = (Need(kind=NeedKind.UPGRADE, unlocks=facts.unlocks),) if facts.unlocks else ()
    counted = entitlement is not None and is_counted(entitlement)
    if (
        entitlement is None
        or entitlement.feature != action.feature
        or entitlement.is_granted is not True
        or (counted and entitlement.limit is None)
    ):
        note = "; ".join(entitlement.sources) if entitlement is not None else ""
        trace.append(TraceStep(source=source, effect=Effect.WITHHOLDS, note=note or "not in the plan"))
        return upgrade, Reason.UPGRADE_REQUIRED if upgrade else Reason.NOT_ENTITLED
    trace.append(TraceStep(source=source, effect=Effect.GRANTS, note="; ".join(entitlement.sources)))
    if not counted:
        return (), None
    return _limit_needs(facts, entitlement.limit or 0, upgrade, trace)


def _limit_needs(
    facts: Facts, limit: int, upgrade: tuple[Need, ...], trace: list[TraceStep]
) -> tuple[tuple[Need, ...], Reason | None]:
    usage = facts.usage
    if usage is None:
        raise ValueError("a counted limit without its count came this far")
    if usage.used + usage.reserved < limit:
        return (), None
    note = f"{usage.used} used and {usage.reserved} reserved of {limit}"
    trace.append(TraceStep(source="usage", effect=Effect.WITHHOLDS, note=note))
    wait = () if usage.reset_at is None else (Need(kind=NeedKind.WAIT, until=usage.reset_at),)
    return (*upgrade, *wait), Reason.LIMIT_REACHED


def find_proof_needs(
    facts: Facts, requirement: Requirement, trace: list[TraceStep]
) -> tuple[tuple[Need, ...], datetime | None]:
    """Say what the proofs lack, and when that may change by time alone."""
    if facts.caller == CallerKind.SERVICE:
        note = "a service shows its credential; levels are asked of people"
        trace.append(TraceStep(source="credential", effect=Effect.MEETS, note=note))
        return (), None
    session = facts.session
    if session is None:
        raise ValueError("a person without a session came this far")
    target = facts.target()
    until = satisfied_until(
        requirement,
        session.proofs,
        target=target,
        activity=session.activity,
        at=facts.at,
        enrolled=session.enrolled,
    )
    effect = Effect.LACKS if until is None else Effect.MEETS
    trace.append(TraceStep(source="proofs", effect=effect, note=_shown(session), requirement=requirement))
    if until is not None:
        return (), until
    return (_step_up_need(facts, session, requirement, target),), changes_at(requirement, session.proofs, at=facts.at)


def find_approval_needs(facts: Facts, requirement: Requirement) -> tuple[Need, ...]:
    """Say how many people are still to agree; a service needs them as a person does."""
    if facts.approvals >= requirement.approvals:
        return ()
    return (Need(kind=NeedKind.APPROVAL, approvals=requirement.approvals - facts.approvals),)


def _step_up_need(facts: Facts, session: SessionFacts, requirement: Requirement, target: Target) -> Need:
    usable = could_satisfy(
        requirement,
        session.proofs,
        session.enrolled,
        target=target,
        activity=session.activity,
        at=facts.at,
    )
    kind = NeedKind.STEP_UP if usable else NeedKind.ENROL
    methods = [Method(method=one.method, factor_kind=one.factor_kind, issuer=one.issuer) for one in usable]
    return Need(kind=kind, requirement=requirement, methods=tuple(dict.fromkeys(methods)))


def _shown(session: SessionFacts) -> str:
    return ", ".join([f"{proof.method} for the {proof.scope.kind}" for proof in session.proofs]) or "none"
