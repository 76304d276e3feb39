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
from tiergate import Decision, Scope, decide

log = structlog.get_logger(__name__)


def evaluate(question: Question, *, at: datetime) -> Answer:
    """Answer one question at ``at``; the record is committed before this returns.

    :raises FactsUnavailable: the facts could not be read or the record not written; the answer is unknown.
    :raises licensing.SnapshotBehind: the caller has seen a newer version than can be read.
    """
    try:
        snapshot = find_snapshot(question, at=at)
        with tenant_transaction(question.home, durable=True):
            gathered = gather(question, snapshot, at=at)
            decision = decide(gathered.facts)
            if _uses_up_an_elevation(question, decision) and not _claim(question, gathered, at=at):
                # Another request used it between our look and our claim: look again, and decide again.
                gathered = gather(question, snapshot, at=at)
                decision = decide(gathered.facts)
            return Answer(
                home=question.home,
                question=question,
                decision=decision,
                decision_id=record(question, gathered, decision),
                binding=gathered.facts.binding,
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
        request_id=question.request_id,
        at=at,
    )
