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
from riskengine import api as riskengine
from tiergate import (
    BatchItem,
    BatchSpec,
    CallerKind,
    Decision,
    Facts,
    NeedKind,
    Outcome,
    Requirement,
    Target,
    batch_item,
    with_environment,
)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovableDecision:
    """A refusal that other people can answer: who wanted what, and what it asks of them.

    session_id: None for a service that asked in its own name; credential_id: by what, None for a person.
    privilege: what the action itself needs.
    batch, item: as of a `RecordedDecision`.
    """

    id: UUID
    session_id: UUID | None
    credential_id: UUID | None
    subject: tuple[str, str]
    target: Target
    resource: tuple[str, str]
    requirement: Requirement
    privilege: str
    policy_version: str
    batch: BatchSpec | None
    item: BatchItem | None
    display: dict[str, Any]


def get_challengeable(*, tenant_id: UUID, decision_ref: str, at: datetime) -> RecordedDecision:
    """Return a recorded step-up refusal, within a transaction of its tenant.

    :raises DecisionNotFound: the tenant has no such decision.
    :raises DecisionNotChallengeable: it asks for no proof, names no session, or is too old.
    """
    found = _find(tenant_id=tenant_id, decision_ref=decision_ref, kind=NeedKind.STEP_UP, at=at)
    if found.session_id is None:
        raise DecisionNotChallengeable("The decision cannot be answered by a step-up.")
    return RecordedDecision(
        id=found.id,
        session_id=found.session_id,
        subject=found.subject,
        target=found.target,
        resource=found.resource,
        requirement=found.requirement,
        policy_version=found.policy_version,
        batch=found.batch,
        item=found.item,
        display=found.display,
    )


def look_of_decision(*, tenant_id: UUID, decision_id: UUID) -> tuple[riskengine.Seen, riskengine.Assessment]:
    """Tell how the request of a recorded decision looked, and how risky; within a transaction of its tenant.

    What was not recorded, or can no longer be read, is not known.
    """
    nothing = riskengine.NOTHING_SEEN, riskengine.NOT_ASSESSED
    try:
        entry = audit.api.get_entry(tenant_id=tenant_id, entry_id=decision_id, kind=audit.api.Kind.DECISION)
        seen = msgspec.convert((entry.personal or {}).get("seen") or {}, riskengine.Seen)
        told = entry.payload.get("risk") or {}
        known = {name: told[name] for name in ("band", "score") if name in told}
        return seen, msgspec.convert(known, riskengine.Assessment)
    except (audit.api.EntryNotFound, msgspec.ValidationError, TypeError, AttributeError):
        return nothing


def get_approvable(*, tenant_id: UUID, decision_ref: str, at: datetime) -> ApprovableDecision:
    """Return a recorded refusal that other people's agreement would help, within a transaction of its tenant.

    :raises DecisionNotFound: the tenant has no such decision.
    :raises DecisionNotChallengeable: it asks for nobody's agreement, or is too old.
    """
    return _find(tenant_id=tenant_id, decision_ref=decision_ref, kind=NeedKind.APPROVAL, at=at)


def _find(*, tenant_id: UUID, decision_ref: str, kind: NeedKind, at: datetime) -> ApprovableDecision:
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
        return _read(tenant_id, decision_id, entry, subject=entry.subject, kind=kind)
    except (KeyError, TypeError, ValueError) as error:
        raise DecisionNotChallengeable(f"The decision cannot be answered by {_ANSWER[kind]}.") from error


_ANSWER: Final = {NeedKind.STEP_UP: "a step-up", NeedKind.APPROVAL: "an approval"}


def _read(
    tenant_id: UUID,
    decision_id: UUID,
    entry: audit.api.Entry,
    *,
    subject: tuple[str, str],
    kind: NeedKind,
) -> ApprovableDecision:
    personal: Mapping[str, Any] = entry.personal or {}
    fields = {**entry.payload.get("fields", {}), **personal.get("fields", {})}
    facts = msgspec.convert(entry.payload["facts"], Facts)
    hashed = with_environment(facts.action, fields, facts.environment)
    decision = msgspec.convert(entry.payload["decision"], Decision)
    # The version before wrote it among the facts.
    binding = str(personal.get("binding", facts.binding))
    session_id = parse_session_handle(facts.session.handle) if facts.session else None
    credential_id = UUID(facts.service.id) if facts.service and facts.caller == CallerKind.SERVICE else None
    if (
        (session_id is None) == (credential_id is None)
        or facts.action is None
        or facts.tenant is None
        or facts.tenant.id != str(tenant_id)
        or decision.outcome != Outcome.STEP_UP
        or decision.requirement is None
        or not decision.is_enforceable
        or not binding
        or kind not in {need.kind for need in decision.needs}
    ):
        raise ValueError("asks for nothing that could be given so, of this tenant")
    return ApprovableDecision(
        id=decision_id,
        session_id=session_id,
        credential_id=credential_id,
        subject=subject,
        target=Target(action=facts.action_name, resource="/".join(facts.resource), binding=binding),
        resource=facts.resource,
        requirement=decision.requirement,
        privilege=facts.action.privilege,
        policy_version=facts.versions.policy,
        batch=facts.action.batch,
        item=batch_item(
            facts.action,
            tenant=facts.tenant.id,
            subject=subject,
            session=session_handle(session_id) if session_id else str(credential_id),
            resource=facts.resource,
            fields=hashed,
        ),
        display={
            "action": facts.action_name,
            "title": facts.action.title or facts.action_name,
            "resource": {"type": facts.resource[0], "id": facts.resource[1]},
            "fields": [
                {"name": name, "label": name.rpartition(".")[2], "value": value}
                | ({} if name in fields else {"is_bound": False})
                for name, value in hashed.items()
            ],
        },
    )
