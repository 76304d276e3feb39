"""Reading back the recorded decision that a challenge rests on.

The room above writes the record; this one reads ``facts`` and ``decision``, the kernel's own classes,
and what the trail keeps under the person's key: ``fields``, the bound properties that a person is shown, and ``binding``,
of which ``facts`` hold no more than a mark.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

import audit.api
from authlevels.errors import DecisionNotChallengeable, DecisionNotFound
from authlevels.public_ids import parse_decision_ref, parse_session_handle, session_handle
from tiergate import BatchItem, BatchSpec, Decision, Facts, NeedKind, Outcome, Requirement, Target, batch_item

CHALLENGEABLE_FOR: Final = timedelta(minutes=15)
"""How long a refusal may be answered by a step-up; after that the product asks again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDecision:
    """A refusal that a person can answer: who, in which session, wanted what, and what it asks.

    batch, item: how many such things may be confirmed at once, and this one as one of them.
    """

    id: UUID
    session_id: UUID
    subject: tuple[str, str]
    target: Target
    resource: tuple[str, str]
    requirement: Requirement
    policy_version: str
    batch: BatchSpec | None
    item: BatchItem | None
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
    if entry.is_lost or entry.subject is None:
        # Whoever cannot be shown what they confirm is not asked to.
        raise DecisionNotChallengeable("What the decision was about can no longer be read.")
    try:
        return _read(tenant_id, decision_id, entry, subject=entry.subject)
    except (KeyError, TypeError, ValueError) as error:
        raise DecisionNotChallengeable("The decision cannot be answered by a step-up.") from error


def _read(
    tenant_id: UUID,
    decision_id: UUID,
    entry: audit.api.Entry,
    *,
    subject: tuple[str, str],
) -> RecordedDecision:
    personal: Mapping[str, Any] = entry.personal or {}
    fields = {**entry.payload.get("fields", {}), **personal.get("fields", {})}
    facts = msgspec.convert(entry.payload["facts"], Facts)
    decision = msgspec.convert(entry.payload["decision"], Decision)
    # The version before wrote it among the facts.
    binding = str(personal.get("binding", facts.binding))
    session_id = parse_session_handle(facts.session.handle) if facts.session else None
    if (
        session_id is None
        or facts.action is None
        or facts.tenant is None
        or facts.tenant.id != str(tenant_id)
        or decision.outcome != Outcome.STEP_UP
        or decision.requirement is None
        or not decision.is_enforceable
        or NeedKind.STEP_UP not in {need.kind for need in decision.needs}
    ):
        raise ValueError("asks for no proof of a session of this tenant")
    return RecordedDecision(
        id=decision_id,
        session_id=session_id,
        subject=subject,
        target=Target(action=facts.action_name, resource="/".join(facts.resource), binding=binding),
        resource=facts.resource,
        requirement=decision.requirement,
        policy_version=facts.versions.policy,
        batch=facts.action.batch,
        item=batch_item(
            facts.action,
            tenant=facts.tenant.id,
            subject=subject,
            session=session_handle(session_id),
            resource=facts.resource,
            fields=fields,
        ),
        display={
            "action": facts.action_name,
            "title": facts.action.title or facts.action_name,
            "resource": {"type": facts.resource[0], "id": facts.resource[1]},
            "fields": [
                {"name": name, "label": name.rpartition(".")[2], "value": value} for name, value in fields.items()
            ],
        },
    )
