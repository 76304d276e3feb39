"""Using up what was confirmed, or agreed to, for one transaction."""

from datetime import datetime

from django.db import transaction

from authlevels import api as authlevels
from decisions.question import Question
from isolation.api import tenant_transaction
from tiergate import Decision, Scope, Target


def is_used_up(question: Question, decision: Decision) -> bool:
    """Say whether an answer uses something up: an allowed transaction of a person, or one that others agreed to."""
    return question.is_claiming and decision.is_allowed and rests_on_uses(question, decision)


def rests_on_uses(question: Question, decision: Decision) -> bool:
    """Say whether an allow rests on what is good for one use."""
    requirement = decision.requirement
    return (
        requirement is not None
        and requirement.scope == Scope.TRANSACTION
        and (question.service is None or requirement.approvals > 0)
    )


def claim_uses(question: Question, decision: Decision, *, target: Target, request_id: str, at: datetime) -> bool:
    """Claim for one request all that its allow rests on, within a transaction of its tenant, or nothing of it.

    request_id: the same one again has the same uses; empty: never again.
    """
    with tenant_transaction(question.home):
        is_claimed = (
            question.service is not None
            or authlevels.claim_transaction(
                tenant_id=question.home,
                session=question.context.session or "",
                binding=target.binding,
                target=target,
                request_id=request_id,
                at=at,
            )
        ) and claim_agreement(question, decision, target=target, request_id=request_id, at=at)
        if not is_claimed:
            transaction.set_rollback(True)
    return is_claimed


def claim_agreement(question: Question, decision: Decision, *, target: Target, request_id: str, at: datetime) -> bool:
    """Claim what others agreed to for one transaction, and say whether this request has it; where nobody had to, it has."""
    requirement = decision.requirement
    if requirement is None:
        return False
    if requirement.approvals == 0 or requirement.scope != Scope.TRANSACTION:
        return True
    return authlevels.claim_approval(
        tenant_id=question.home,
        subject=(question.subject.type, question.subject.id),
        binding=target.binding,
        requirement=requirement,
        request_id=request_id,
        at=at,
    )
