"""What the drills ask: one question for each outcome, with the answer that is right."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from deploy.drill.installation import Process


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question of a tenant's product, and its right answer while nobody changes anything."""

    tenant: str
    who: str
    subject: Mapping[str, str]
    action: str
    outcome: str
    reason: str

    def body(self, made: Mapping[str, Any]) -> dict[str, Any]:
        """Write the request's body. made: what the seeding gave out."""
        return {
            "subject": dict(self.subject),
            "action": {"name": self.action},
            "resource": {"type": "report", "id": "q1"},
            "context": {"session": made["sessions"][self.who]},
        }


_BOB: Final = {"tenant": "acme", "who": "bob", "subject": {"type": "account", "id": "bob"}}
_INES: Final = {"tenant": "globex", "who": "ines", "subject": {"type": "user", "id": "7781"}}

QUESTIONS: Final[Mapping[str, Question]] = {
    "a routine allow": Question(**_BOB, action="reports.read", outcome="allow", reason="allowed"),  # type: ignore[arg-type]
    "a premium feature that is not sold": Question(
        **_BOB,  # type: ignore[arg-type]
        action="exports.create_csv",
        outcome="upgrade",
        reason="upgrade_required",
    ),
    "a regulated feature without a second factor": Question(
        **_INES,  # type: ignore[arg-type]
        action="exports.create_regulated",
        outcome="step_up",
        reason="step_up_required",
    ),
    "an action that nobody declared": Question(
        **_BOB,  # type: ignore[arg-type]
        action="reports.burn",
        outcome="deny",
        reason="unknown_action",
    ),
}


def answer(decide: Process, question: Question, made: Mapping[str, Any]) -> tuple[str, str]:
    """Ask, and return outcome and reason; another status than 200 is an outcome of its own."""
    said = decide.ask(
        "POST", "/access/v1/evaluation", by=made["credentials"][question.tenant], body=question.body(made)
    )
    if said.status_code != 200:  # noqa: PLR2004 - HTTP's own number
        return str(said.status_code), said.text
    context = said.json()["context"]
    return context["outcome"], context["reason"]


def answers(decide: Process, made: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Ask every question."""
    return {name: answer(decide, question, made) for name, question in QUESTIONS.items()}


def subscribe(web: Process, made: Mapping[str, Any], tenant: str, plan: str, *, timeout: float = 20.0) -> str | None:
    """Put a tenant on a plan, as the vendor's billing does; returns the version from then on, None if it failed."""
    said = web.ask(
        "PUT",
        f"/v1/tenants/{tenant}/subscription",
        by=made["credentials"]["vendor"],
        body={"plan": plan},
        timeout=timeout,
    )
    return str(said.json()["snapshot"]) if said.is_success else None
