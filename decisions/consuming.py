"""Doing, once, what was confirmed once: the protected write and the use of its elevation commit together."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpRequest
from rest_framework.request import Request

from authlevels import api as authlevels
from decisions.claiming import claim_uses, rests_on_uses
from decisions.question import Answer
from isolation.api import tenant_transaction
from isolation.clock import now


@contextmanager
def elevation_consumed(request: Request | HttpRequest) -> Iterator[Answer]:
    """Open a transaction of the caller's tenant for the write that the view's decision allowed.

    Where the decision rests on a proof for this one transaction, the proof is used up in it: a write that fails
    gives the use back, and of two requests at once one waits and is refused. Yields the decision's answer.

    :raises ElevationGone: it was used by another request since the decision, has ended or has expired.
    :raises RuntimeError: no decision allowed this request; the view is not behind the door.
    """
    plain = request._request if isinstance(request, Request) else request  # noqa: SLF001 - DRF has no other door
    answer: Answer | None = getattr(plain, "decision", None)
    if answer is None or not answer.decision.is_allowed:
        raise RuntimeError("No decision allowed this request.")
    with tenant_transaction(answer.home):
        if rests_on_uses(answer.question, answer.decision) and not claim_uses(
            answer.question, answer.decision, target=answer.target, request_id="", at=now()
        ):
            raise authlevels.ElevationGone("The confirmation was used, has ended, or has expired.")
        yield answer
