"""Gather what a decision is made from. Nothing is decided here: what is unknown is left out, which counts against."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from decisions.circumstances import circumstances_of, told_beside
from decisions.frames import NOBODYS, Frame, frame_of
from decisions.looked import NOT_LOOKED, Looked
from decisions.people import Person
from decisions.policy.memory import NO_RULES, InForce, policy_for
from decisions.question import Question
from decisions.risk import look
from licensing import api as licensing
from tiergate import (
    BUILTIN_ACTIONS,
    OWN_PREFIX,
    ActionSpec,
    BatchItem,
    Contribution,
    Facts,
    Proof,
    Requirement,
    Scope,
    SessionFacts,
    UsageFact,
    batch_item,
    binding,
    bound_fields,
    is_counted,
    is_everybodys,
    reachable_level,
    with_environment,
)
from tiergate.policy import is_of_policy, with_bundle


class Gathered(Struct, frozen=True, kw_only=True):
    """The facts, and the bound fields that a person is shown when asked to confirm.

    plan: what the tenant is on. policy: the rules that these facts were judged by, and those that are only tried.
    looked: what the risk engine says of the request, part of which these facts hold.
    """

    facts: Facts
    fields: dict[str, object]
    plan: licensing.HeldPlan | None = None
    policy: InForce = NO_RULES
    looked: Looked = NOT_LOOKED


def find_snapshot(question: Question, *, at: datetime, seen: str | None = None) -> licensing.TenantSnapshot | None:
    """Find the tenant's compiled entitlements; None when no tenant is asked about, or it is gone.

    seen: a version that was met already, by which whatever the caller has seen is reached too.
    :raises licensing.SnapshotBehind: the caller has seen a newer version than can be read.
    """
    if question.tenant_id is None:
        return None
    try:
        return licensing.get_snapshot(
            tenant_id=question.tenant_id, at=at, min_version=seen or question.context.min_snapshot
        )
    except licensing.TenantNotFound:
        return None


def find_usage(question: Question, snapshot: licensing.TenantSnapshot | None, *, at: datetime) -> UsageFact | None:
    """Read how much is taken of the limit that the action needs; None where it needs none."""
    feature = None if snapshot is None else counted_feature(question, snapshot)
    if snapshot is None or feature is None:
        return None
    key = question.context.use.key if question.context.use else None
    return licensing.usage_fact(tenant_id=snapshot.tenant.id, snapshot=snapshot, feature=feature, key=key, at=at)


def counted_feature(question: Question, snapshot: licensing.TenantSnapshot) -> str | None:
    """Name the limit that the action's use is held against; None where it needs none, or the tenant has none of it."""
    action = find_action(question.action, snapshot)
    entitlement = snapshot.entitlements.get(action.feature) if action and action.feature else None
    if entitlement is None or not entitlement.is_granted or not is_counted(entitlement):
        return None
    return entitlement.feature


def gather(
    question: Question,
    snapshot: licensing.TenantSnapshot | None,
    person: Person,
    *,
    usage: UsageFact | None = None,
    at: datetime,
    is_noted: bool = True,
) -> Gathered:
    """Put together the facts about ``question`` at ``at``, and have the rules in force judge them.

    is_noted: how the request looks is noted of its session; False where nobody asks in earnest.
    :raises FactsUnavailable: the rules in force cannot be asked, or how risky it looks cannot be told.
    """
    subject = (question.subject.type, question.subject.id)
    resource = (question.resource.type, question.resource.id)
    if snapshot is None or question.tenant_id is None:
        return Gathered(facts=_facts_without_tenant(question, at=at), fields={})
    frame = frame_of(snapshot)
    action = find_action(question.action, snapshot)
    fields, missing = bound_fields(action.binds, question.document()) if action and action.binds else ({}, ())
    member = person.member
    privileges, contributions = frame.granted(member.roles, is_everybodys=is_everybodys(action)) if member else NOBODYS
    feature = action.feature if action else None
    bound, item = _bound(question, frame, action, fields)
    entitlement = snapshot.entitlements.get(feature) if feature else None
    looked = look(question, frame, person, action, entitlement, at=at, is_noted=is_noted)
    session = looked.of_session(person.session)
    facts = Facts(
        at=at,
        subject=subject,
        action_name=question.action,
        resource=resource,
        binding=bound,
        item=item,
        purpose=question.context.purpose,
        caller=question.caller,
        tenant=frame.tenant,
        member=member,
        service=question.service,
        privileges=privileges,
        action=action,
        environment=question.context.environment,
        environments=dict(snapshot.environments) if action is not None and action.environment_aware else {},
        missing_fields=missing,
        entitlement=entitlement,
        unlocks=snapshot.unlocks.get(feature, ()) if feature else (),
        usage=usage,
        quantity=question.context.use.quantity if question.context.use else 1,
        session=None if session is None else _about(session, item),
        contributions=(
            contributions + question.contributions + _enrolment(person, frame, action, at=at) + looked.contributions
        ),
        forbids=looked.forbids + question.forbids,
        versions=frame.versions,
        circumstances=circumstances_of(question, frame, action, known=looked.known, at=at),
    )
    policy = NO_RULES if is_everybodys(action) else policy_for(snapshot)
    judged = with_bundle(facts, policy.bundle)
    told = told_beside(question, fields) if facts.circumstances.has_transaction and _is_for_this_one(judged) else {}
    if told:
        # INVARIANT: what rules ask for this very transaction is confirmed for what they read of it, whatever the
        # catalogue binds; else a small one would be confirmed, and a large one made.
        fields = {**fields, **told}
        bound, item = _bound(question, frame, action, fields)
        session = None if session is None else _about(session, item)
        judged = with_bundle(replace(facts, binding=bound, item=item, session=session), policy.bundle)
    return Gathered(facts=judged, fields=fields, plan=snapshot.plan, policy=policy, looked=looked)


def _bound(
    question: Question, frame: Frame, action: ActionSpec | None, fields: Mapping[str, object]
) -> tuple[str, BatchItem | None]:
    """Hash what a confirmation would be bound to: the request as one of its kind, and as one of several."""
    hashed = with_environment(action, fields, question.context.environment)
    who: dict[str, Any] = {
        "tenant": frame.tenant.id,
        "subject": (question.subject.type, question.subject.id),
        "session": question.service.id if question.service is not None else question.context.session or "",
        "resource": (question.resource.type, question.resource.id),
        "fields": hashed,
    }
    return binding(action=question.action, **who), batch_item(action, **who)


def _is_for_this_one(facts: Facts) -> bool:
    """Say whether a rule asks for a confirmation of this very transaction, or for others to agree to it."""
    return any(
        one.requirement.scope == Scope.TRANSACTION or one.requirement.approvals > 0
        for one in facts.contributions
        if is_of_policy(one.source)
    )


def judged_anew(gathered: Gathered, facts: Facts) -> Gathered:
    """Take other facts of the same request, and ask the rules about those."""
    return replace(gathered, facts=with_bundle(facts, gathered.policy.bundle))


def _about(session: SessionFacts, item: BatchItem | None) -> SessionFacts:
    """Leave out of each batch what was done of other things: it may be much, and decides nothing."""
    if all(proof.scope.batch is None for proof in session.proofs):
        return session
    return replace(session, proofs=tuple(_proof_about(proof, item) for proof in session.proofs))


def _proof_about(proof: Proof, item: BatchItem | None) -> Proof:
    batch = proof.scope.batch
    return proof if batch is None else replace(proof, scope=replace(proof.scope, batch=batch.about(item)))


def _enrolment(person: Person, frame: Frame, action: ActionSpec | None, *, at: datetime) -> tuple[Contribution, ...]:
    """Ask for the plan's level everywhere, of who has had time to enrol what it takes; not of enrolling it."""
    session, due = person.session, person.enrolment_due
    if session is None or due is None or at < due or is_everybodys(action):
        return ()
    if reachable_level(session.enrolled, at=at) >= frame.plan_level:
        return ()
    return (
        Contribution(
            source="enrolment",
            requirement=Requirement(level=frame.plan_level),
            because="the plan asks for this level somewhere, and the time to enrol for it is over",
        ),
    )


def find_action(name: str, snapshot: licensing.TenantSnapshot) -> ActionSpec | None:
    """Find what an action needs; no catalogue can redefine one of Tiergate's own."""
    if name.startswith(OWN_PREFIX):
        return BUILTIN_ACTIONS.get(name)
    return snapshot.actions.get(name)


def _facts_without_tenant(question: Question, *, at: datetime) -> Facts:
    return Facts(
        at=at,
        subject=(question.subject.type, question.subject.id),
        action_name=question.action,
        resource=(question.resource.type, question.resource.id),
        binding="",
        purpose=question.context.purpose,
        caller=question.caller,
        service=question.service,
    )
