"""Record a decision with the facts that it was made from, so that it can be explained and made again."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from msgspec.structs import replace

from audit import api as audit
from authlevels import api as authlevels
from decisions.facts import Gathered
from decisions.policy.shadowing import tried_beside
from decisions.question import Question
from licensing import api as licensing
from riskengine import api as riskengine
from tiergate import (
    OWN_ISSUER,
    OWN_PREFIX,
    ActionSpec,
    Authenticator,
    BatchScope,
    Decision,
    Entitlement,
    Facts,
    Outcome,
    Proof,
    Purpose,
    Scope,
    Sensitivity,
    SessionFacts,
    SessionState,
)

MAX_TOLD: Final = 1_000
"""Characters that are recorded of a name that nobody knows."""

_encode = msgspec.json.Encoder().encode


def is_ever_routine(action: ActionSpec | None, entitlement: Entitlement | None) -> bool:
    """Say whether an allow of an action can be routine at all: of nothing premium or regulated, nor Tiergate's own."""
    return (
        action is not None
        and not action.name.startswith(OWN_PREFIX)
        and (action.feature is None or (entitlement is not None and entitlement.sensitivity == Sensitivity.STANDARD))
    )


def is_routine(facts: Facts, decision: Decision) -> bool:
    """Say whether a decision may be recorded a moment after it was answered.

    Advice for a menu is; and an allow of what is neither premium nor regulated, nor Tiergate's own, nor a transaction.
    """
    if facts.purpose == Purpose.DISPLAY:
        return True
    requirement = decision.requirement
    return (
        decision.is_allowed
        and facts.tenant is not None
        and is_ever_routine(facts.action, facts.entitlement)
        and requirement is not None
        and requirement.scope != Scope.TRANSACTION
        and requirement.approvals == 0
    )


def record(question: Question, gathered: Gathered, decision: Decision, entry_id: UUID | None = None) -> UUID:
    """Append the decision to the trail of the tenant whose transaction this is, and return its entry's id.

    payload: ``asked_by``, ``impersonated_by`` where support acted, ``request_id``, ``facts``, ``decision``: the last two read back into the kernel's own
    classes; ``risk``, a `decisions.looked.Recorded`, where a request looked risky; ``shadow`` where rules that are only tried would have answered otherwise. People are named by tag; what would lead to them besides (the binding, their own authenticators) is
    marked, so that the same decision follows from it. What a person confirms (the bound properties, and the binding
    itself) is sealed for them in ``personal``, with how the request looked.
    """
    entry_id = entry_id or uuid4()
    return audit.append(
        tenant_id=question.home,
        kind=audit.Kind.DECISION,
        at=gathered.facts.at,
        payload=_payload(question, gathered, decision, entry_id, _tagged(question, gathered.facts)),
        subject=gathered.facts.subject,
        session_id=_session_id(gathered.facts),
        entry_id=entry_id,
    )


def record_at_once(question: Question, gathered: Gathered, decision: Decision) -> UUID:
    """Record the decision in a transaction of its own, committed when this returns.

    :raises django.db.DatabaseError: the record may not stand, so neither may the answer.
    """
    entry_id, subject = uuid4(), _tagged(question, gathered.facts)
    audit.append_at_once(
        tenant_id=question.home,
        entry_id=entry_id,
        kind=audit.Kind.DECISION,
        at=gathered.facts.at,
        payload=_payload(question, gathered, decision, entry_id, subject),
        subject=subject,
        session_id=_session_id(gathered.facts),
    )
    return entry_id


def record_later(question: Question, gathered: Gathered, decision: Decision) -> UUID | None:
    """Hand a routine decision to the recorder and return its id; None when that takes no more just now."""
    entry_id, subject = uuid4(), _tagged(question, gathered.facts)
    is_taken = audit.append_later(
        tenant_id=question.home,
        entry_id=entry_id,
        kind=audit.Kind.DECISION,
        at=gathered.facts.at,
        payload=_payload(question, gathered, decision, entry_id, subject),
        subject=subject,
        session_id=_session_id(gathered.facts),
    )
    return entry_id if is_taken else None


def read_back(entry: audit.Entry) -> tuple[Facts, Decision]:
    """Read a recorded decision's entry into the facts and the decision it holds; an erased subject stays a tag."""
    facts = msgspec.convert(entry.payload["facts"], Facts)
    decision = msgspec.convert(entry.payload["decision"], Decision)
    return replace(facts, subject=entry.subject or facts.subject), decision


def _payload(
    question: Question, gathered: Gathered, decision: Decision, entry_id: UUID, subject: tuple[str, str]
) -> bytes:
    facts = _marked(question, gathered.facts, subject)
    if facts.action is None:
        facts, decision = _cut_facts(facts), _cut_notes(decision)
    document: dict[str, Any] = {
        "asked_by": audit.tagged_actor(tenant_id=question.home, actor=question.asked_by),
        "request_id": question.request_id,
        "facts": facts,
        "decision": decision,
    }
    if facts.session is not None and facts.session.is_impersonated:
        document["impersonated_by"] = facts.session.impersonated_by
    if gathered.looked.told is not None:
        document["risk"] = gathered.looked.told
    shadow = tried_beside(gathered, decision)
    if shadow is not None:
        document["shadow"] = shadow
    confirmed: dict[str, Any] = {"fields": gathered.fields} if gathered.fields else {}
    if decision.outcome == Outcome.STEP_UP:
        confirmed["binding"] = gathered.facts.binding
        if gathered.looked.seen != riskengine.NOTHING_SEEN:
            # How it looked is what a step-up teaches, where its product passes on what was shown.
            confirmed["seen"] = msgspec.to_builtins(gathered.looked.seen)
    if confirmed:
        document["personal"] = audit.seal_personal(
            tenant_id=question.home,
            subject=gathered.facts.subject,
            entry_id=entry_id,
            values=confirmed,
        )
    return _encode(document)


def _marked(question: Question, facts: Facts, subject: tuple[str, str]) -> Facts:
    """Leave out of the facts what leads from a tag to a name: by a join, or by hashing every name that comes to mind."""
    mark = audit.marker_of(tenant_id=question.home, subject=facts.subject)
    session = None if facts.session is None else _marked_once(facts.session, mark, subject, home=question.home)
    item = None if facts.item is None else replace(facts.item, same=mark(facts.item.same))
    return replace(facts, subject=subject, binding=mark(facts.binding), session=session, item=item)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TOLD else f"{text[:MAX_TOLD]}…"


def _cut_facts(facts: Facts) -> Facts:
    """Cut what a caller made up: of an action that nobody knows, nothing rests on the rest of its name."""
    return replace(
        facts,
        action_name=_cut(facts.action_name),
        resource=(_cut(facts.resource[0]), _cut(facts.resource[1])),
        environment=None if facts.environment is None else _cut(facts.environment),
    )


def _cut_notes(decision: Decision) -> Decision:
    """Cut the notes alike, so that the same decision follows from the facts."""
    return replace(decision, trace=tuple(replace(step, note=_cut(step.note)) for step in decision.trace))


_MARKED: Final = 20_000
_marked_sessions: dict[str, tuple[SessionFacts, tuple[str, str], SessionFacts]] = {}


def _marked_once(
    session: SessionFacts, mark: Callable[[str], str], subject: tuple[str, str], *, home: UUID
) -> SessionFacts:
    """Mark a session, or find it marked: what a process remembers of a person is recorded again and again.

    subject: as the trail names it; whoever is erased and comes back has another tag, with another key behind it.
    """
    found = _marked_sessions.get(session.handle)
    if found is not None and found[0] is session and found[1] == subject:
        return found[2]
    marked = _marked_session(session, mark, home=home)
    if session.state == SessionState.LIVE:
        if len(_marked_sessions) >= _MARKED:
            _marked_sessions.clear()
        _marked_sessions[session.handle] = (session, subject, marked)
    return marked


def _forget_marked(kind: str, _key: str) -> None:
    """Forget what was marked with the key of somebody who was erased."""
    if kind in {"erased", licensing.RESET}:
        _marked_sessions.clear()


licensing.subscribe(_forget_marked)


def _marked_session(session: SessionFacts, mark: Callable[[str], str], *, home: UUID) -> SessionFacts:
    if session.state == SessionState.UNKNOWN:
        # It may be a handle of before an erasure: who still shows it would say by it whose the old entries are.
        return replace(session, handle="")
    return replace(
        session,
        proofs=tuple(_marked_proof(one, mark) for one in session.proofs),
        enrolled=tuple(_marked_own(one, mark) for one in session.enrolled),
        impersonated_by=audit.tagged_actor(tenant_id=home, actor=session.impersonated_by),
    )


def _marked_proof(proof: Proof, mark: Callable[[str], str]) -> Proof:
    proof = _marked_own(proof, mark)
    scope = proof.scope
    if scope.binding:
        scope = replace(scope, binding=mark(scope.binding))
    if scope.batch is not None:
        scope = replace(scope, batch=_marked_batch(scope.batch, mark))
    return proof if scope is proof.scope else replace(proof, scope=scope)


def _marked_batch(batch: BatchScope, mark: Callable[[str], str]) -> BatchScope:
    own = tuple(replace(one, same=mark(one.same)) for one in batch.own)
    return replace(batch, same=mark(batch.same), own=own)


def _marked_own[One: (Proof, Authenticator)](one: One, mark: Callable[[str], str]) -> One:
    # A provider's is the provider's name; ours is the person's account, or their app.
    return one if one.issuer != OWN_ISSUER else replace(one, authenticator=mark(one.authenticator))


def _tagged(question: Question, facts: Facts) -> tuple[str, str]:
    return facts.subject[0], audit.tag_of(tenant_id=question.home, subject=facts.subject)


def _session_id(facts: Facts) -> UUID | None:
    if facts.session is None or facts.session.state == SessionState.UNKNOWN:
        return None
    return authlevels.parse_session_handle(facts.session.handle)
