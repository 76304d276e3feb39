"""Using up what was confirmed, or agreed to, for one transaction."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import transaction

from authlevels import api as authlevels
from decisions.facts import Gathered
from decisions.question import Question
from isolation.api import tenant_transaction
from licensing import api as licensing
from tiergate import Decision, Scope, Target


@dataclass(frozen=True, slots=True)
class Claimed:
    """What an allow has for itself. use: what was taken of a limit, where that was asked for."""

    use: licensing.Consumed | None = None


def is_taking(question: Question, decision: Decision) -> bool:
    """Say whether an answer takes something of a limit: an allow that is to be acted on, of a request that says so."""
    return question.context.use is not None and decision.is_allowed


def claim_all(
    question: Question, gathered: Gathered, decision: Decision, *, decision_id: UUID, at: datetime
) -> Claimed | None:
    """Claim all that an answer takes, within a transaction of its tenant, or nothing of it; None: others were first.

    :raises licensing.NotCounted: it is to take of an action that needs no limit.
    :raises licensing.UsageKeyReused: the key was used for something else.
    :raises licensing.UsageExpired: what it held is held no longer. :raises licensing.UsageSettled: it was given back.
    """
    target = gathered.facts.target()
    with tenant_transaction(question.home):
        is_claimed = not is_used_up(question, decision) or claim_uses(
            question, decision, target=target, request_id=question.claim_id, at=at
        )
        if is_claimed and not is_taking(question, decision):
            return Claimed()
        use = _taken(question, gathered, decision_id=decision_id, at=at) if is_claimed else None
        if use is None:
            transaction.set_rollback(True)
    return None if use is None else Claimed(use=use)


def _taken(question: Question, gathered: Gathered, *, decision_id: UUID, at: datetime) -> licensing.Consumed | None:
    """Take what the request asks for of its action's limit; None where others were first."""
    asked, action = question.context.use, gathered.facts.action
    if asked is None or action is None or action.feature is None:
        raise licensing.NotCounted("The action needs no limit, of which something could be taken.")
    items = [(action.feature, asked.quantity)]
    take = licensing.consume
    if asked.ttl is not None:
        take = partial(licensing.reserve, ttl=timedelta(seconds=asked.ttl))
    try:
        use = take(
            tenant_id=question.home,
            items=items,
            key=asked.key,
            subject=gathered.facts.subject,
            decision_id=decision_id,
            # A key that has let one thing be done lets no other be done for nothing.
            purpose=json.dumps([question.action, *gathered.facts.resource]),
            at=at,
        )
    except (licensing.LimitReached, licensing.NotEntitled):
        return None
    use.check_standing(at)
    return use


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
