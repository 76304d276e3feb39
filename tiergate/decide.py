"""The decision: a pure function of the facts. Whatever is missing, unknown or broken is never an allow."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from tiergate.assurance import could_satisfy, reachable_level, satisfied_until
from tiergate.catalogue import ActionSpec, CallerKind
from tiergate.decision import (
    Decision,
    Effect,
    Method,
    Need,
    NeedKind,
    Outcome,
    Reason,
    TraceStep,
)
from tiergate.facts import Facts, Purpose, SessionFacts, SessionState
from tiergate.levels import Level
from tiergate.proofs import Target
from tiergate.requirements import Contribution, Requirement, join

_SESSION_REFUSALS = {
    SessionState.EXPIRED: Reason.SESSION_EXPIRED,
    SessionState.REVOKED: Reason.SESSION_REVOKED,
    SessionState.UNKNOWN: Reason.UNKNOWN_SESSION,
}


def decide(facts: Facts) -> Decision:
    """Decide whether the request may go ahead at ``facts.at``, and name everything that would make it.

    Never raises: an exception is a deny.
    """
    try:
        return _decide(facts)
    except Exception as error:  # noqa: BLE001 - an exception is never an allow, whatever it is
        return _deny(facts, Reason.INTERNAL_ERROR, "kernel", type(error).__name__)


def _decide(facts: Facts) -> Decision:
    for refusal, source, note in _refusals(facts):
        return _deny(facts, refusal, source, note)
    action = facts.action
    if action is None:
        return _deny(facts, Reason.UNKNOWN_ACTION, "catalogue", facts.action_name)
    trace: list[TraceStep] = []
    licence_needs, reason = _licence_needs(facts, action, trace)
    if reason is not None and not licence_needs:
        return _deny(
            facts,
            reason,
            "licence",
            "no plan or add-on on offer would unlock it",
            trace,
        )
    asked = _asked(facts, action)
    if any(need.kind == NeedKind.UPGRADE for need in licence_needs):
        asked += _asked_after_upgrade(licence_needs)
    requirement = join(asked)
    if requirement is None:
        return _deny(
            facts,
            Reason.NO_REQUIREMENT,
            "kernel",
            "nobody says how sure we must be",
            trace,
        )
    trace += [
        TraceStep(
            source=one.source,
            effect=Effect.REQUIRES,
            note=one.because,
            requirement=one.requirement,
        )
        for one in asked
    ]
    proof_needs, proven_until = _proof_needs(facts, requirement, trace)
    needs = (*licence_needs, *proof_needs)
    outcome, because = _outcome(needs)
    return Decision(
        outcome=outcome,
        reason=reason or because,
        as_of=facts.at,
        needs=needs,
        entitlement=facts.entitlement,
        requirement=requirement,
        versions=facts.versions,
        next_change_at=_next_change(facts, proven_until),
        is_enforceable=facts.purpose == Purpose.ENFORCE,
        trace=tuple(trace),
    )


def _refusals(facts: Facts) -> Iterator[tuple[Reason, str, str]]:
    """Name, in order, what no step-up and no upgrade would mend."""
    if facts.faults:
        yield Reason.FACTS_UNAVAILABLE, "facts", ", ".join(facts.faults)
    if facts.tenant is None:
        yield Reason.UNKNOWN_TENANT, "tenant", "no such tenant for this caller"
        return
    if not facts.tenant.is_active:
        yield Reason.TENANT_SUSPENDED, f"tenant:{facts.tenant.slug}", "suspended"
    action = facts.action
    if action is None or action.name != facts.action_name:
        yield Reason.UNKNOWN_ACTION, "catalogue", facts.action_name
        return
    if facts.resource[0] != action.resource_type:
        note = f"{action.name} is done to a {action.resource_type}, not to a {facts.resource[0]}"
        yield Reason.WRONG_RESOURCE_TYPE, "catalogue", note
    if facts.caller not in action.callers:
        yield (
            Reason.CALLER_NOT_ALLOWED,
            "catalogue",
            f"{action.name} is not for a {facts.caller}",
        )
    yield from _principal_refusals(facts, action)
    for forbid in facts.forbids:
        yield Reason.FORBIDDEN_BY_POLICY, forbid.source, forbid.because
    if facts.missing_fields:
        yield Reason.MISSING_PROPERTY, "catalogue", ", ".join(facts.missing_fields)


def _principal_refusals(facts: Facts, action: ActionSpec) -> Iterator[tuple[Reason, str, str]]:
    if facts.caller == CallerKind.SERVICE:
        if facts.service is None or action.privilege not in facts.service.verbs:
            name = "unknown" if facts.service is None else facts.service.name
            yield Reason.NO_PRIVILEGE, f"credential:{name}", f"lacks {action.privilege}"
        return
    if facts.member is None:
        yield Reason.NOT_A_MEMBER, "member", "no membership of this tenant"
        return
    if not facts.member.is_active:
        yield Reason.MEMBERSHIP_ENDED, "member", "the membership has ended"
    if action.privilege not in facts.privileges:
        yield (
            Reason.NO_PRIVILEGE,
            f"roles:{','.join(facts.member.roles)}",
            f"lack {action.privilege}",
        )
    if facts.session is None:
        yield Reason.NO_SESSION, "session", "the request names no session"
    elif facts.session.state != SessionState.LIVE:
        yield _SESSION_REFUSALS[facts.session.state], "session", facts.session.state


def _licence_needs(facts: Facts, action: ActionSpec, trace: list[TraceStep]) -> tuple[tuple[Need, ...], Reason | None]:
    """Say what the licence lacks; a reason without needs means that nothing on offer would do."""
    if action.feature is None:
        return (), None
    entitlement = facts.entitlement
    source = f"feature:{action.feature}"
    upgrade = Need(kind=NeedKind.UPGRADE, unlocks=facts.unlocks)
    if entitlement is None or entitlement.feature != action.feature or not entitlement.is_granted:
        granted_by = () if entitlement is None else entitlement.sources
        trace.append(
            TraceStep(
                source=source,
                effect=Effect.WITHHOLDS,
                note="; ".join(granted_by) or "not in the plan",
            )
        )
        return ((upgrade,), Reason.UPGRADE_REQUIRED) if facts.unlocks else ((), Reason.NOT_ENTITLED)
    trace.append(TraceStep(source=source, effect=Effect.GRANTS, note="; ".join(entitlement.sources)))
    usage = facts.usage
    if usage is None or entitlement.unlimited or entitlement.limit is None:
        return (), None
    if usage.used + usage.reserved < entitlement.limit:
        return (), None
    note = f"{usage.used} used and {usage.reserved} reserved of {entitlement.limit}"
    trace.append(TraceStep(source=source, effect=Effect.WITHHOLDS, note=note))
    needs = [upgrade] if facts.unlocks else []
    if usage.reset_at is not None:
        needs.append(Need(kind=NeedKind.WAIT, until=usage.reset_at))
    return tuple(needs), Reason.LIMIT_REACHED


def _asked(facts: Facts, action: ActionSpec) -> list[Contribution]:
    """Collect what every source asks; an environment that is unknown asks for what the strictest one does."""
    asked = list(facts.contributions)
    if action.requirement is not None:
        asked.append(Contribution(source=f"action:{action.name}", requirement=action.requirement))
    if action.environment_aware:
        if facts.environment is not None and facts.environment in action.environments:
            named = [facts.environment]
            because = ""
        else:
            named = sorted(action.environments)
            because = "the environment is not one that the action knows: the strictest holds"
        asked += [
            Contribution(
                source=f"environment:{name}",
                requirement=action.environments[name],
                because=because,
            )
            for name in named
        ]
    if facts.entitlement is not None and facts.entitlement.feature == action.feature:
        asked += facts.entitlement.contributions
    if action.needs_highest_held and facts.session is not None:
        level = reachable_level(facts.session.enrolled, at=facts.at)
        if level > Level.AAL1:
            because = "changing a factor needs the highest level that the person's factors can reach"
            asked.append(
                Contribution(
                    source="factors",
                    requirement=Requirement(level=level),
                    because=because,
                )
            )
    return asked


def _asked_after_upgrade(needs: tuple[Need, ...]) -> list[Contribution]:
    """Name what the first unlock would ask besides, so that a person hears of both at once."""
    first = next((need.unlocks[0] for need in needs if need.unlocks), None)
    if first is None or first.requirement is None:
        return []
    return [
        Contribution(
            source=f"{first.kind}:{first.key}@{first.version}",
            requirement=first.requirement,
        )
    ]


def _proof_needs(
    facts: Facts, requirement: Requirement, trace: list[TraceStep]
) -> tuple[tuple[Need, ...], datetime | None]:
    """Say what the proofs lack, and until when they hold if they lack nothing."""
    if facts.caller == CallerKind.SERVICE:
        note = "a service shows its credential; levels are asked of people"
        trace.append(TraceStep(source="credential", effect=Effect.MEETS, note=note))
        return (), None
    session = facts.session
    if session is None:
        msg = "a person without a session came this far"
        raise ValueError(msg)
    needs: list[Need] = []
    target = Target(
        action=facts.action_name,
        resource="/".join(facts.resource),
        binding=facts.binding,
    )
    proven = satisfied_until(
        requirement,
        session.proofs,
        target=target,
        activity=session.activity,
        at=facts.at,
    )
    if proven is None:
        needs.append(_step_up_need(facts, session, requirement, target))
    step = Effect.LACKS if proven is None else Effect.MEETS
    trace.append(TraceStep(source="proofs", effect=step, note=_shown(session), requirement=requirement))
    if facts.approvals < requirement.approvals:
        needs.append(
            Need(
                kind=NeedKind.APPROVAL,
                approvals=requirement.approvals - facts.approvals,
            )
        )
    return tuple(needs), proven


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
    methods = tuple(Method(method=one.method, factor_kind=one.factor_kind, issuer=one.issuer) for one in usable)
    return Need(kind=kind, requirement=requirement, methods=tuple(dict.fromkeys(methods)))


def _shown(session: SessionFacts) -> str:
    return ", ".join(f"{proof.method} for the {proof.scope.kind}" for proof in session.proofs) or "none"


def _outcome(needs: tuple[Need, ...]) -> tuple[Outcome, Reason]:
    kinds = {need.kind for need in needs}
    if NeedKind.UPGRADE in kinds:
        return Outcome.UPGRADE, Reason.UPGRADE_REQUIRED
    if NeedKind.WAIT in kinds:
        return Outcome.DENY, Reason.LIMIT_REACHED
    if NeedKind.ENROL in kinds:
        return Outcome.STEP_UP, Reason.ENROLMENT_REQUIRED
    if NeedKind.STEP_UP in kinds:
        return Outcome.STEP_UP, Reason.STEP_UP_REQUIRED
    if NeedKind.APPROVAL in kinds:
        return Outcome.STEP_UP, Reason.APPROVAL_REQUIRED
    return Outcome.ALLOW, Reason.ALLOWED


def _next_change(facts: Facts, proven_until: datetime | None) -> datetime | None:
    instants = [proven_until]
    if facts.entitlement is not None:
        instants.append(facts.entitlement.next_change_at)
    if facts.session is not None:
        instants.append(facts.session.expires_at)
    if facts.usage is not None:
        instants.append(facts.usage.reset_at)
    later = [one for one in instants if one is not None and one > facts.at]
    return min(later) if later else None


def _deny(
    facts: Facts,
    reason: Reason,
    source: str,
    note: str,
    trace: list[TraceStep] | None = None,
) -> Decision:
    return Decision(
        outcome=Outcome.DENY,
        reason=reason,
        as_of=facts.at,
        entitlement=facts.entitlement,
        versions=facts.versions,
        is_enforceable=facts.purpose == Purpose.ENFORCE,
        trace=(
            *(trace or ()),
            TraceStep(source=source, effect=Effect.WITHHOLDS, note=note),
        ),
    )


def until_max_age(requirement: Requirement, *, at: datetime, default: timedelta) -> datetime:
    """Give the instant at which an elevation for ``requirement`` that is passed at ``at`` ends."""
    return at + (default if requirement.max_age is None else timedelta(seconds=requirement.max_age))
