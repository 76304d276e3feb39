"""Record a decision with the facts that it was made from, so that it can be explained and made again."""

from typing import Any
from uuid import UUID, uuid4

import msgspec

from audit import api as audit
from authlevels import api as authlevels
from decisions.facts import Gathered
from decisions.question import Question
from tiergate import Decision, Facts


def record(question: Question, gathered: Gathered, decision: Decision) -> UUID:
    """Append the decision to the trail of the tenant whose transaction this is, and return its entry's id.

    payload: ``asked_by``, ``request_id``, ``fields`` (the bound properties that a person confirms), ``facts``,
    ``decision``: the last two read back into the kernel's own classes.
    """
    facts = gathered.facts
    session = facts.session
    payload = {
        "asked_by": question.asked_by,
        "request_id": question.request_id,
        "fields": gathered.fields,
        "facts": facts,
        "decision": decision,
    }
    entry_id = uuid4()
    audit.append(
        tenant_id=question.home,
        kind=audit.Kind.DECISION,
        at=facts.at,
        payload=msgspec.json.encode(payload),
        subject=facts.subject,
        session_id=authlevels.parse_session_handle(session.handle) if session else None,
        entry_id=entry_id,
    )
    return entry_id


def read_back(payload: Any) -> tuple[Facts, Decision]:
    """Read a recorded decision's payload into the facts and the decision it holds."""
    return msgspec.convert(payload["facts"], Facts), msgspec.convert(payload["decision"], Decision)
