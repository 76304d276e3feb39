"""The way of every request: gather, decide, record, return."""

from datetime import datetime
from uuid import UUID, uuid4

import structlog
from django.db import DatabaseError, connection
from msgspec.structs import replace

from authlevels import api as authlevels
from decisions.claiming import claim_agreement, claim_all, is_taking, is_used_up
from decisions.errors import FactsUnavailable
from decisions.facts import Gathered, counted_feature, find_action, find_snapshot, find_usage, gather, judged_anew
from decisions.offering import sale_of
from decisions.people import read_person, recall_person
from decisions.question import Answer, Question
from decisions.trail import is_ever_routine, is_routine, record, record_at_once, record_later
from decisions.watching import watched
from isolation.api import tenant_transaction
from licensing import api as licensing
from tiergate import SESSION_WIDE, Decision, NeedKind, ProofScope, Purpose, SessionFacts, SessionState, decide

log = structlog.get_logger(__name__)

_LOOKS = 3


@watched
def evaluate(question: Question, *, at: datetime) -> Answer:
    """Answer one question at ``at``.

    The record stands before this returns: committed, or, of a routine allow, on its way by two roads.

    :raises FactsUnavailable: the facts could not be read or the record not written; the answer is unknown.
    :raises licensing.SnapshotBehind: the caller has seen a newer version than can be read.
    """
    if connection.in_atomic_block:
        raise RuntimeError("A decision is made outside any transaction, whose end would undo its record.")
    try:
        snapshot = find_snapshot(question, at=at)
        return _routine_answer(question, snapshot, at=at) or _full_answer(question, snapshot, at=at)
    except DatabaseError as error:
        log.warning("facts_unavailable", error=type(error).__name__)
        raise FactsUnavailable("The decision could not be made just now; ask again.", retry_after=1) from error


def preview(question: Question, *, at: datetime) -> tuple[Gathered, Decision]:
    """Work out what the answer to ``question`` would be, without recording it, using anything up, or learning from how it looks."""
    gathered = _gathered(question, find_snapshot(question, at=at), at=at, is_noted=False)
    return _decided(question, gathered, at=at)


def _routine_answer(question: Question, snapshot: licensing.TenantSnapshot | None, *, at: datetime) -> Answer | None:
    """Answer from memory, where that is a routine allow; anything else is decided from what is read now."""
    if snapshot is None or question.elevation is not None or not _is_ever_routine(question, snapshot):
        return None
    person = recall_person(question, version=snapshot.version, at=at)
    if person is None:
        return None
    gathered = gather(question, snapshot, person, at=at)
    decision = decide(gathered.facts)
    if not (decision.is_allowed and is_routine(gathered.facts, decision)) or _is_use_due(question, person.session, at):
        return None
    decision_id = record_later(question, gathered, decision)
    return None if decision_id is None else _answer(question, gathered, decision, decision_id)


def _is_ever_routine(question: Question, snapshot: licensing.TenantSnapshot) -> bool:
    action = find_action(question.action, snapshot)
    feature = action.feature if action else None
    # What is counted is never answered from memory: only the counter knows.
    is_counting = question.context.use is not None or counted_feature(question, snapshot) is not None
    return not is_counting and is_ever_routine(action, snapshot.entitlements.get(feature) if feature else None)


def _full_answer(question: Question, snapshot: licensing.TenantSnapshot | None, *, at: datetime) -> Answer:
    if question.elevation is not None:
        gathered, decision, decision_id = _using(question, question.elevation, snapshot, at=at)
        _note_use(question, gathered.facts.session, at=at)
        return _answer(question, gathered, decision, decision_id)
    gathered, decision = _decided(question, _gathered(question, snapshot, at=at), at=at)
    used = None
    if is_used_up(question, decision) or is_taking(question, decision):
        gathered, decision, decision_id, used = _claiming(question, snapshot, at=at)
    else:
        decision_id = (is_routine(gathered.facts, decision) and record_later(question, gathered, decision)) or (
            record_at_once(question, gathered, decision)
        )
    _note_use(question, gathered.facts.session, at=at)
    return _answer(question, gathered, decision, decision_id, used)


def _gathered(
    question: Question, snapshot: licensing.TenantSnapshot | None, *, at: datetime, is_noted: bool = True
) -> Gathered:
    """Read who the person is, and gather that with the snapshot of the very state that it was read in.

    So whatever is not answered from memory is answered from the state of now, however long nobody told of a change.

    :raises FactsUnavailable: the tenant changes faster than it can be read.
    """
    for _ in range(_LOOKS):
        person = read_person(question, at=at)
        if snapshot is None or person.version in {"", snapshot.version}:
            usage = find_usage(question, snapshot, at=at)
            return gather(question, snapshot, person, usage=usage, at=at, is_noted=is_noted)
        snapshot = find_snapshot(question, at=at, seen=person.version)
    raise FactsUnavailable("The tenant changes faster than it can be read; ask again.", retry_after=1)


def _decided(question: Question, gathered: Gathered, *, at: datetime) -> tuple[Gathered, Decision]:
    """Decide; where it wants other people's agreement, count who has agreed to this very request, and decide again."""
    decision = decide(gathered.facts)
    requirement, tenant_id = decision.requirement, question.tenant_id
    if tenant_id is None or requirement is None or all(need.kind != NeedKind.APPROVAL for need in decision.needs):
        return gathered, decision
    facts = replace(
        gathered.facts,
        approvals=authlevels.count_approvals(
            tenant_id=tenant_id,
            subject=gathered.facts.subject,
            binding=gathered.facts.binding,
            requirement=requirement,
            request_id=question.claim_id if question.is_claiming else "",
            at=at,
        ).people,
    )
    return replace(gathered, facts=facts), decide(facts)


def _answer(
    question: Question,
    gathered: Gathered,
    decision: Decision,
    decision_id: UUID,
    used: licensing.Consumed | None = None,
) -> Answer:
    return Answer(
        home=question.home,
        question=question,
        decision=decision,
        decision_id=decision_id,
        binding=gathered.facts.binding,
        item=gathered.facts.item,
        privileges=frozenset(gathered.facts.privileges) if question.service is None else None,
        impersonated_by=gathered.facts.session.impersonated_by if gathered.facts.session is not None else "",
        sale=sale_of(gathered, decision),
        use=used,
    )


def _claiming(
    question: Question, snapshot: licensing.TenantSnapshot | None, *, at: datetime
) -> tuple[Gathered, Decision, UUID, licensing.Consumed | None]:
    """Decide, claim and count in one transaction; an allow stands only once this request has what it takes.

    :raises FactsUnavailable: others took it each time, between our look and our claim.
    """
    with tenant_transaction(question.home, durable=True):
        for _ in range(_LOOKS):
            gathered, decision = _decided(question, _gathered(question, snapshot, at=at), at=at)
            decision_id = uuid4()
            claimed = claim_all(question, gathered, decision, decision_id=decision_id, at=at)
            if claimed is not None:
                return gathered, decision, record(question, gathered, decision, decision_id), claimed.use
    raise FactsUnavailable("What this takes is being taken by other requests; ask again.", retry_after=1)


def _using(
    question: Question, held: authlevels.HeldElevation, snapshot: licensing.TenantSnapshot | None, *, at: datetime
) -> tuple[Gathered, Decision, UUID]:
    """Decide while the elevation is locked, and use it up with an allow, in one transaction.

    :raises authlevels.ElevationGone: another request used it, or it has ended.
    :raises authlevels.ElevationElsewhere: it is allowed, but not by this elevation.
    """
    with tenant_transaction(question.home, durable=True):
        authlevels.lock_elevation(held, request_id=question.claim_id, at=at)
        gathered, decision = _decided(question, _within(_gathered(question, snapshot, at=at), held), at=at)
        if decision.is_allowed:
            target = gathered.facts.target()
            authlevels.use_elevation(held, target=target, request_id=question.claim_id, at=at)
            if not claim_agreement(question, decision, target=target, request_id=question.claim_id, at=at):
                raise authlevels.ElevationGone("What others agreed to was used already.", why="used")
        return gathered, decision, record(question, gathered, decision)


def _within(gathered: Gathered, held: authlevels.HeldElevation) -> Gathered:
    """Leave out what was shown for other elevations: what uses up one may rest on no other."""
    session = gathered.facts.session
    if session is None:
        return gathered
    counting = tuple(one for one in session.proofs if one.scope == SESSION_WIDE or _is_of(one.scope, held.scope))
    return judged_anew(gathered, replace(gathered.facts, session=replace(session, proofs=counting)))


def _is_of(scope: ProofScope, held: ProofScope) -> bool:
    # What was done of a batch meanwhile makes it no other.
    return (scope.batch is None) == (held.batch is None) and replace(scope, batch=None) == replace(held, batch=None)


def _note_use(question: Question, session: SessionFacts | None, *, at: datetime) -> None:
    """Note that the person was active, at most once a minute: a session left idle loses its higher levels."""
    if session is None or not _is_use_due(question, session, at):
        return
    session_id = authlevels.parse_session_handle(session.handle)
    if session_id is not None:
        authlevels.note_use(tenant_id=question.home, session_id=session_id, was=session.activity, at=at)


def _is_use_due(question: Question, session: SessionFacts | None, at: datetime) -> bool:
    if session is None or session.state != SessionState.LIVE or question.context.purpose != Purpose.ENFORCE:
        return False
    seen_at = session.activity.last_seen_at
    return seen_at is None or at - seen_at >= authlevels.TOUCH_EVERY
