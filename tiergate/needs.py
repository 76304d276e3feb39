"""What is missing: of the licence, of what was shown, and of other people's agreement."""

from collections.abc import Sequence
from datetime import datetime

from tiergate.assurance import changes_at, could_satisfy, satisfied_until
from tiergate.catalogue import ActionSpec, CallerKind, Unlock, UnlockKind
from tiergate.decision import Effect, Method, Need, NeedKind, Reason, TraceStep
from tiergate.entitlements import Entitlement
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
    return _limit_needs(facts, entitlement, entitlement.limit or 0, trace)


def _limit_needs(
    facts: Facts, entitlement: Entitlement, limit: int, trace: list[TraceStep]
) -> tuple[tuple[Need, ...], Reason | None]:
    usage = facts.usage
    if usage is None:
        raise ValueError("a counted limit without its count came this far")
    taken = usage.used + usage.reserved + facts.quantity
    if taken <= limit + usage.carried:
        return (), None
    note = f"{facts.quantity} more than {usage.used} used and {usage.reserved} reserved of {limit + usage.carried}"
    if entitlement.overage is True:
        trace.append(TraceStep(source="usage", effect=Effect.GRANTS, note=f"{note} is overage"))
        return (), None
    trace.append(TraceStep(source="usage", effect=Effect.WITHHOLDS, note=note))
    enough = list_enough(facts.unlocks, limit=limit, taken=taken - usage.carried)
    upgrade = (Need(kind=NeedKind.UPGRADE, unlocks=enough),) if enough else ()
    # Waiting is no way to what is more than a whole period has.
    is_ever = usage.reset_at is not None and facts.quantity <= limit
    wait = (Need(kind=NeedKind.WAIT, until=usage.reset_at),) if is_ever else ()
    return (*upgrade, *wait), Reason.LIMIT_REACHED


def list_enough(unlocks: Sequence[Unlock], *, limit: int, taken: int) -> tuple[Unlock, ...]:
    """List what could be bought that would raise a limit so far that ``taken`` fits, smallest first.

    limit: of now; a plan's takes its place, an add-on's comes on top.
    """
    return tuple(one for one in unlocks if _would_do(one, limit, taken))


def _would_do(unlock: Unlock, limit: int, taken: int) -> bool:
    if unlock.unlimited is True or (unlock.overage is True and unlock.limit is not None):
        return True
    brings = unlock.limit or 0
    return taken <= (limit + brings if unlock.kind == UnlockKind.ADD_ON else brings)


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
