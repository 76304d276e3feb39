"""The way of every request: gather, decide, record, return."""

from datetime import datetime

import structlog
from django.db import DatabaseError

from authlevels import api as authlevels
from decisions.errors import FactsUnavailable
from decisions.facts import Gathered, find_snapshot, gather
from decisions.question import Answer, Question
from decisions.trail import record
from isolation.api import tenant_transaction
from licensing import api as licensing
from tiergate import Decision, Purpose, Scope, SessionFacts, SessionState, decide

log = structlog.get_logger(__name__)

_LOOKS = 3


def evaluate(question: Question, *, at: datetime) -> Answer:
    """Answer one question at ``at``; the record is committed before this returns.

    :raises FactsUnavailable: the facts could not be read or the record not written; the answer is unknown.
    :raises licensing.SnapshotBehind: the caller has seen a newer version than can be read.
    """
    try:
        snapshot = find_snapshot(question, at=at)
        with tenant_transaction(question.home, durable=True):
            gathered, decision = _decided(question, snapshot, at=at)
            decision_id = record(question, gathered, decision)
            _note_use(question, gathered.facts.session, at=at)
        return Answer(
            home=question.home,
            question=question,
            decision=decision,
            decision_id=decision_id,
            binding=gathered.facts.binding,
            privileges=frozenset(gathered.facts.privileges) if question.service is None else None,
        )
    except DatabaseError as error:
        log.warning("facts_unavailable", error=type(error).__name__, exc_info=True)
        raise FactsUnavailable("The decision could not be made just now; ask again.", retry_after=1) from error


def preview(question: Question, *, at: datetime) -> tuple[Gathered, Decision]:
    """Work out what the answer to ``question`` would be, without recording it or using anything up."""
    snapshot = find_snapshot(question, at=at)
    with tenant_transaction(question.home):
        gathered = gather(question, snapshot, at=at)
    return gathered, decide(gathered.facts)


def _decided(
    question: Question, snapshot: licensing.TenantSnapshot | None, *, at: datetime
) -> tuple[Gathered, Decision]:
    """Gather and decide; an allow that uses up an elevation stands only once this request has the use.

    :raises FactsUnavailable: others took the use each time, between our look and our claim.
    """
    for _ in range(_LOOKS):
        gathered = gather(question, snapshot, at=at)
        decision = decide(gathered.facts)
        if not _uses_up_an_elevation(question, decision) or _claim(question, gathered, at=at):
            return gathered, decision
    raise FactsUnavailable("The elevation is being used by other requests; ask again.", retry_after=1)


def _note_use(question: Question, session: SessionFacts | None, *, at: datetime) -> None:
    """Note that the person was active, at most once a minute: a session left idle loses its higher levels."""
    if session is None or session.state != SessionState.LIVE or question.context.purpose != Purpose.ENFORCE:
        return
    seen_at = session.activity.last_seen_at
    session_id = authlevels.parse_session_handle(session.handle)
    if session_id is not None and (seen_at is None or at - seen_at >= authlevels.TOUCH_EVERY):
        authlevels.touch_session(tenant_id=question.home, session_id=session_id, at=at)


def _uses_up_an_elevation(question: Question, decision: Decision) -> bool:
    requirement = decision.requirement
    return (
        question.is_claiming
        and decision.is_allowed
        and question.service is None
        and requirement is not None
        and requirement.scope == Scope.TRANSACTION
    )


def _claim(question: Question, gathered: Gathered, *, at: datetime) -> bool:
    session = gathered.facts.session
    return session is not None and authlevels.claim_transaction(
        tenant_id=question.home,
        session=session.handle,
        binding=gathered.facts.binding,
        request_id=question.claim_id,
        at=at,
    )
