"""Count, time and span each decision, whatever door asked for it."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from time import perf_counter
from typing import Protocol

from decisions.metrics import observe_decision
from decisions.question import Answer, Question
from telemetry import api as telemetry
from tiergate import TiergateError

UNANSWERED = "none"
"""The outcome that a question is counted under which got no decision; the reason is then the error's code."""


class Evaluate(Protocol):
    """What answers a question."""

    def __call__(self, question: Question, *, at: datetime) -> Answer:
        """Answer one question at an instant."""


def watched(evaluate: Callable[..., Answer]) -> Evaluate:
    """Watch what answers questions."""

    @wraps(evaluate)
    def watching(question: Question, *, at: datetime) -> Answer:
        if telemetry.is_tracing():
            with telemetry.span("decision") as span:
                return _told(span, question, _counted(evaluate, question, at))
        return _counted(evaluate, question, at)

    return watching


def _counted(evaluate: Callable[..., Answer], question: Question, at: datetime) -> Answer:
    began = perf_counter()
    try:
        answer = evaluate(question, at=at)
    except TiergateError as error:
        observe_decision(outcome=UNANSWERED, reason=error.code, seconds=perf_counter() - began)
        raise
    decision = answer.decision
    observe_decision(outcome=decision.outcome, reason=decision.reason, seconds=perf_counter() - began)
    return answer


def _told(span: telemetry.Span, question: Question, answer: Answer) -> Answer:
    """Tell a span of an answer; no subject, session or resource: the id leads whoever may read the trail to them."""
    decision = answer.decision
    span.set(
        tiergate__decision_id=answer.public_id,
        tiergate__outcome=decision.outcome.value,
        tiergate__reason=decision.reason.value,
        tiergate__action=question.action,
        tiergate__tenant=str(question.home),
        tiergate__snapshot=decision.versions.snapshot,
        tiergate__policy=decision.versions.policy,
    )
    return answer
