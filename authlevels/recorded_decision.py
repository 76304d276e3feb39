"""Reading back the recorded decision that a challenge rests on.

The record is written by the room above; these are the members of its payload that this room reads:

``question``: ``subject {type, id}``, ``session`` (handle), ``action {name}``, ``resource {type, id}``,
``binding`` (hex), ``bound`` (path to value). ``decision``: ``outcome``, ``requirement``,
``versions {policy}``. ``title`` may name the action for people.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import audit.api
from authlevels.errors import DecisionNotChallengeable, DecisionNotFound
from authlevels.public_ids import parse_decision_ref, parse_session_handle
from tiergate import NeedKind, Outcome, Requirement, Target

CHALLENGEABLE_FOR: Final = timedelta(minutes=15)
"""How long a refusal may be answered by a step-up; after that the product asks again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDecision:
    """A refusal that a person can answer: who, in which session, wanted what, and what it asks."""

    id: UUID
    session_id: UUID
    subject: tuple[str, str]
    target: Target
    resource: tuple[str, str]
    requirement: Requirement
    policy_version: str
    display: dict[str, Any]


def get_challengeable(*, tenant_id: UUID, decision_ref: str, at: datetime) -> RecordedDecision:
    """Return a recorded step-up refusal, within a transaction of its tenant.

    :raises DecisionNotFound: the tenant has no such decision.
    :raises DecisionNotChallengeable: it asks for no proof, names no session, or is too old.
    """
    decision_id = parse_decision_ref(decision_ref)
    if decision_id is None:
        raise DecisionNotFound("There is no such decision.")
    try:
        entry = audit.api.get_entry(tenant_id=tenant_id, entry_id=decision_id, kind=audit.api.Kind.DECISION)
    except audit.api.EntryNotFound:
        raise DecisionNotFound("There is no such decision.") from None
    if entry.at + CHALLENGEABLE_FOR < at:
        raise DecisionNotChallengeable("The decision is too old: ask again.")
    try:
        return _read(decision_id, entry.payload)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DecisionNotChallengeable("The decision cannot be answered by a step-up.") from error


def _read(decision_id: UUID, payload: Mapping[str, Any]) -> RecordedDecision:
    question, decision = payload["question"], payload["decision"]
    session_id = parse_session_handle(question["session"])
    kinds = {need["kind"] for need in decision["needs"]}
    if decision["outcome"] != Outcome.STEP_UP or NeedKind.STEP_UP not in kinds or not session_id:
        raise ValueError("asks for no proof of a session")
    resource = (str(question["resource"]["type"]), str(question["resource"]["id"]))
    action = str(question["action"]["name"])
    bound = question.get("bound") or {}
    return RecordedDecision(
        id=decision_id,
        session_id=session_id,
        subject=(str(question["subject"]["type"]), str(question["subject"]["id"])),
        target=Target(action=action, resource="/".join(resource), binding=str(question["binding"])),
        resource=resource,
        requirement=Requirement.from_json(decision["requirement"]),
        policy_version=str(decision["versions"]["policy"]),
        display={
            "action": action,
            "title": str(payload.get("title") or action),
            "resource": {"type": resource[0], "id": resource[1]},
            "fields": [{"name": name, "value": value} for name, value in bound.items()],
        },
    )
