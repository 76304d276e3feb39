"""Questions asked without a break, and what is known of the answers that would be right."""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from deploy.drill.installation import Process, client
from deploy.drill.questions import QUESTIONS, Question, subscribe

# A change is known everywhere within a second, the push channel or not.
BOUND_SECONDS: Final = 1.0
SOLD: Final = "a premium feature that is not sold"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. began, ended: by the drill's steady clock. status: 0 where no answer came."""

    node: str
    question: str
    began: float
    ended: float
    status: int
    is_allowed: bool
    decision_id: str


@dataclass(slots=True)
class Selling:
    """When the premium feature may have been sold: spans of the steady clock, and whether they still go on."""

    spans: list[list[float]] = field(default_factory=list)
    changes: int = 0
    failed: int = 0

    def put(self, web: Process, made: Mapping[str, Any], plan: str) -> bool:
        """Put Acme on a plan, and note from when until when it may have been on the premium one.

        An answer that did not come says nothing: then it may be on either.
        """
        began = time.monotonic()
        try:
            done = subscribe(web, made, "acme", plan, timeout=10) is not None
        except httpx.HTTPError:
            done = False
        self.changes += done
        self.failed += not done
        is_open = bool(self.spans) and self.spans[-1][1] == float("inf")
        if plan == "business" and not is_open:
            self.spans.append([began, float("inf")])
        elif plan == "starter" and done and is_open:
            self.spans[-1][1] = time.monotonic()
        return done

    def may_be_sold(self, began: float, ended: float) -> bool:
        """Say whether an allow between two moments may be right."""
        return any(first <= ended and began - BOUND_SECONDS <= last for first, last in self.spans)


class Load:
    """Threads that ask every node every question until they are told to stop."""

    def __init__(self, nodes: list[Process], made: Mapping[str, Any]) -> None:
        self.asked: list[Asked] = []
        self._stop = threading.Event()
        self._made = made
        self._threads = [threading.Thread(target=self._ask, args=(node,), daemon=True) for node in nodes]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads and wait for them."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=30)

    def answered_since(self, moment: float, node: str) -> bool:
        """Say whether a node has given an answer to a request that began after a moment."""
        return any(one.node == node and one.began > moment and one.status == httpx.codes.OK for one in self.asked)

    def _ask(self, node: Process) -> None:
        with client() as http:
            while not self._stop.is_set():
                for name, question in QUESTIONS.items():
                    self.asked.append(self._one(http, node, name, question))

    def _one(self, http: httpx.Client, node: Process, name: str, question: Question) -> Asked:
        began = time.monotonic()
        try:
            said = http.post(
                node.url("/access/v1/evaluation"),
                headers={"Authorization": f"Bearer {self._made['credentials'][question.tenant]}"},
                json=question.body(self._made),
            )
        except httpx.HTTPError:
            return Asked(node.name, name, began, time.monotonic(), 0, is_allowed=False, decision_id="")
        found = said.json() if said.status_code == httpx.codes.OK else {}
        return Asked(
            node.name,
            name,
            began,
            time.monotonic(),
            said.status_code,
            is_allowed=found.get("decision") is True,
            decision_id=str(found.get("context", {}).get("id", "")),
        )


def wrong(asked: list[Asked], selling: Selling) -> list[Asked]:
    """Find the allows that were not right at any moment at which they may have been decided."""
    return [
        one
        for one in asked
        if one.is_allowed
        and QUESTIONS[one.question].outcome != "allow"
        and not (one.question == SOLD and selling.may_be_sold(one.began, one.ended))
    ]


def statuses(asked: list[Asked]) -> Counter[int]:
    """Count answers by status; 0 where none came."""
    return Counter(one.status for one in asked)
