"""The decision: a pure function of the facts. Whatever is missing, unknown or broken is never an allow."""

from datetime import datetime, timedelta

from tiergate.asked import list_asked, list_asked_after
from tiergate.decision import Decision, Effect, Need, NeedKind, Outcome, Reason, TraceStep
from tiergate.facts import Facts, Purpose
from tiergate.needs import find_approval_needs, find_licence_needs, find_proof_needs
from tiergate.refusals import Refusal, find_borrowed_refusal, find_refusal
from tiergate.requirements import join

_NO_TIME = timedelta(0)
_NOT_ON_OFFER = "no plan or add-on on offer would unlock it"


def decide(facts: Facts) -> Decision:
    """Decide whether the request may go ahead at ``facts.at``, and name everything that would make it.

    Never raises, whatever the facts hold: an exception is a deny.
    """
    try:
        return _decide(facts)
    except Exception as error:  # noqa: BLE001 - an exception is never an allow, whatever it is
        return Decision(
            outcome=Outcome.DENY,
            reason=Reason.INTERNAL_ERROR,
            as_of=facts.at,
            versions=facts.versions,
            is_enforceable=facts.purpose == Purpose.ENFORCE,
            trace=(TraceStep(source="kernel", effect=Effect.WITHHOLDS, note=type(error).__name__),),
        )


def _decide(facts: Facts) -> Decision:
    if facts.at.utcoffset() != _NO_TIME:
        raise ValueError("the instant asked about must be aware and in UTC")
    trace: list[TraceStep] = []
    refusal = find_refusal(facts)
    action = facts.action
    if refusal is not None or action is None:
        return _deny(facts, refusal or Refusal(Reason.UNKNOWN_ACTION, "catalogue", facts.action_name), trace)
    needs, reason = find_licence_needs(facts, action, trace)
    if reason is not None and not needs:
        return _deny(facts, Refusal(reason, "licence", _NOT_ON_OFFER), trace)
    asked = list_asked(facts, action)
    if needs and needs[0].unlocks:
        asked += list_asked_after(needs[0].unlocks[0])
    requirement = join(asked)
    if requirement is None:
        return _deny(facts, Refusal(Reason.NO_REQUIREMENT, "kernel", "nobody says how sure we must be"), trace)
    for one in asked:
        trace.append(  # noqa: PERF401 - as fast, and the trace is one list from first to last
            TraceStep(source=one.source, effect=Effect.REQUIRES, note=one.because, requirement=one.requirement)
        )
    proof_needs, proofs_change_at = find_proof_needs(facts, requirement, trace)
    needs = (*needs, *proof_needs, *find_approval_needs(facts, requirement))
    borrowed = find_borrowed_refusal(facts, requirement, needs)
    if borrowed is not None:
        return _deny(facts, borrowed, trace)
    outcome, because = _outcome(needs)
    return Decision(
        outcome=outcome,
        reason=reason or because,
        as_of=facts.at,
        needs=needs,
        entitlement=facts.entitlement,
        requirement=requirement,
        versions=facts.versions,
        next_change_at=_next_change(facts, proofs_change_at),
        is_enforceable=facts.purpose == Purpose.ENFORCE,
        trace=tuple(trace),
    )


# The need that decides what the person hears first, in order.
_ANSWERS = (
    (NeedKind.UPGRADE, Outcome.UPGRADE, Reason.UPGRADE_REQUIRED),
    (NeedKind.WAIT, Outcome.DENY, Reason.LIMIT_REACHED),
    (NeedKind.ENROL, Outcome.STEP_UP, Reason.ENROLMENT_REQUIRED),
    (NeedKind.STEP_UP, Outcome.STEP_UP, Reason.STEP_UP_REQUIRED),
    (NeedKind.APPROVAL, Outcome.STEP_UP, Reason.APPROVAL_REQUIRED),
)


def _outcome(needs: tuple[Need, ...]) -> tuple[Outcome, Reason]:
    """Choose the answer; only a request that needs nothing is allowed, and an unknown need is a deny."""
    if not needs:
        return Outcome.ALLOW, Reason.ALLOWED
    kinds = {need.kind for need in needs}
    for kind, outcome, reason in _ANSWERS:
        if kind in kinds:
            return outcome, reason
    return Outcome.DENY, Reason.INTERNAL_ERROR


def _next_change(facts: Facts, proofs_change_at: datetime | None) -> datetime | None:
    """Give the next instant at which anything that the answer rests on may change by time alone."""
    at, soonest = facts.at, proofs_change_at
    for one in (
        None if facts.entitlement is None else facts.entitlement.next_change_at,
        None if facts.session is None else facts.session.expires_at,
        None if facts.usage is None else facts.usage.reset_at,
        facts.rules_change_at,
    ):
        if one is not None and one > at and (soonest is None or one < soonest):
            soonest = one
    return soonest


def _deny(facts: Facts, refusal: Refusal, trace: list[TraceStep]) -> Decision:
    return Decision(
        outcome=Outcome.DENY,
        reason=refusal.reason,
        as_of=facts.at,
        entitlement=facts.entitlement,
        versions=facts.versions,
        next_change_at=_next_change(facts, None),
        is_enforceable=facts.purpose == Purpose.ENFORCE,
        trace=(*trace, TraceStep(source=refusal.source, effect=Effect.WITHHOLDS, note=refusal.note)),
    )
