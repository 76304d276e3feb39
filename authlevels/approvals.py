"""Approvals: opened from a recorded refusal, and shown to whoever asked and to whoever may agree."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from json import dumps
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

import audit.api
import licensing.api
from authlevels.challenge_fields import readable_line
from authlevels.equal_open import put_equal_open
from authlevels.errors import (
    ApprovalClosed,
    ApprovalNotFound,
    ApprovalNotYours,
    ChallengeClosed,
    DecisionNotFound,
    VerbMissing,
)
from authlevels.models import Approval, ApprovalGrant, SessionRow
from authlevels.principals import Credential, Session
from authlevels.prompts import check_prompts
from authlevels.public_ids import approval_ref, decision_ref, parse_approval_ref
from authlevels.recorded_decision import ApprovableDecision, get_approvable
from authlevels.session_facts import session_facts
from isolation.api import tenant_transaction
from tiergate import Requirement, Scope, SessionState, Verb

APPROVAL_LIVES: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownApproval:
    """An approval as it stands.

    id: ``apr_…``. decision_id: ``dec_…``, of the refusal that it was opened for.
    state: ``pending``, ``approved``, ``refused``, ``used`` or ``expired``.
    session_id: of whoever asked; None for a service. display: what is agreed to, for a person to read.
    needed: how many people have to agree. granted: how many did whose yes still counts.
    """

    id: str
    tenant_id: UUID
    state: str
    subject: tuple[str, str]
    session_id: UUID | None
    decision_id: str
    action: str
    resource: tuple[str, str]
    binding: str
    display: dict[str, Any]
    requirement: Requirement
    needed: int
    granted: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Grantable:
    """An approval as its granter is asked about it.

    properties: what the granter confirms, by the names that `tiergate.Action.APPROVAL_GRANT` binds.
    requirement: what they have to show for it: as much as was asked of the requester, for this alone.
    is_given: they have agreed already. display: what they agree to, as its requester was shown it.
    """

    id: str
    is_given: bool
    display: dict[str, Any]
    properties: dict[str, Any]
    requirement: Requirement


def open_approval(
    *,
    tenant_id: UUID,
    decision_id: str,
    at: datetime,
    session: Session | None = None,
    credential: Credential | None = None,
) -> ShownApproval:
    """Open the approval that a recorded refusal calls for, or return the equal one of the last hour as it stands.

    decision_id: ``dec_…``. Exactly one of session and credential is the caller. Asking again prolongs nothing, and
    what was refused stays so for its hour.
    :raises DecisionNotFound: no such decision of this tenant, and of this session or service.
    :raises DecisionNotChallengeable: it asks for nobody's agreement, or is too old.
    :raises ChallengeClosed: the session has ended.
    :raises ApprovalNotYours: the session is of somebody who acts as another.
    :raises Throttled: too much of theirs waits for others already.
    """
    if (session is None) == (credential is None):
        raise VerbMissing("An approval is opened by a session or by a credential.")
    with tenant_transaction(tenant_id):
        decision = get_approvable(tenant_id=tenant_id, decision_ref=decision_id, at=at)
        if not _may_ask(decision, session, credential, tenant_id=tenant_id):
            raise DecisionNotFound("There is no such decision.")
        if decision.session_id is not None:
            _check_session(tenant_id, decision.subject, decision.session_id, at=at)
        by = f"credential:{credential.name}" if credential else ":".join(decision.subject)
        row = _equal_open(tenant_id, decision, by=by, at=at)
        return shown(row, at=at)


def show_approval(
    *, ref: str, at: datetime, session: Session | None = None, credential: Credential | None = None
) -> ShownApproval:
    """Return an approval as it stands, to whoever asked for it or may agree to it.

    :raises ApprovalNotFound: there is none for this caller.
    """
    tenant_id, approval_id = parsed(ref)
    with tenant_transaction(tenant_id):
        row = Approval.objects.filter(tenant_id=tenant_id, id=approval_id).first()
        if row is None or not (
            _may_ask(row, session, credential, tenant_id=tenant_id)
            or (session is not None and holds_privilege(row, session))
        ):
            raise ApprovalNotFound("There is no such approval for you.")
        return shown(row, at=at)


def list_approvals(*, session: Session, at: datetime) -> list[ShownApproval]:
    """List what waits for this session's person to agree to it, the oldest first."""
    with tenant_transaction(session.tenant_id):
        privileges = licensing.api.privileges_of_member(
            tenant_id=session.tenant_id, subject_type=session.subject_type, subject_id=session.subject_id
        )
        waiting = (
            Approval.objects.filter(
                tenant_id=session.tenant_id,
                closed_at__isnull=True,
                refused_at__isnull=True,
                expires_at__gt=at,
                privilege__in=privileges,
            )
            .exclude(subject_type=session.subject_type, subject_id=session.subject_id)
            .order_by("created_at")
        )
        found = [shown(row, at=at) for row in waiting]
    return [one for one in found if one.state == "pending"]


def get_grantable(*, ref: str, session: Session, at: datetime) -> Grantable:
    """Return what a session's person is asked, before they agree to an approval.

    :raises ApprovalNotFound: there is none that they may agree to.
    :raises ApprovalNotYours: they asked for it themselves.
    :raises ApprovalClosed: it was refused, used, or has expired, or enough people have agreed.
    """
    tenant_id, approval_id = parsed(ref)
    with tenant_transaction(tenant_id):
        row = Approval.objects.filter(tenant_id=tenant_id, id=approval_id).first()
        checked = check_granter(row, session)
        is_given = is_awaited(checked, session, at=at)
    asked, display = Requirement.from_json(checked.requirement), checked.display
    return Grantable(
        id=approval_ref(tenant_id, approval_id),
        is_given=is_given,
        display=display,
        properties={
            "asked_by": f"{checked.subject_type}:{checked.subject_id}",
            "action": display["title"],
            "resource": f"{checked.resource_type} {checked.resource_id}",
            "details": readable_line(display),
            "request": checked.binding,
        },
        requirement=Requirement(
            level=asked.level,
            max_age=asked.max_age,
            phishing_resistant=asked.phishing_resistant,
            device_bound=asked.device_bound,
            scope=Scope.TRANSACTION,
        ),
    )


def check_granter(row: Approval | None, session: Session) -> Approval:
    """Return the approval if the session's person may agree to it, or refuse it.

    :raises ApprovalNotFound: there is none, or it needs a privilege that they do not hold now.
    :raises ApprovalNotYours: they asked for it themselves, or the session is of somebody who acts as another.
    """
    if row is None or row.tenant_id != session.tenant_id or not holds_privilege(row, session):
        raise ApprovalNotFound("There is no such approval for you.")
    asker = SessionRow.objects.filter(tenant_id=row.tenant_id, id=row.session_id).first() if row.session_id else None
    granter = SessionRow.objects.filter(tenant_id=row.tenant_id, id=session.id).first()
    if granter is None:
        raise ApprovalNotFound("There is no such approval for you.")
    is_asker = (row.subject_type, row.subject_id) == session.subject or row.session_id == session.id
    if is_asker or (asker is not None and asker.user_id == granter.user_id):
        raise ApprovalNotYours("Somebody else has to agree to what you asked for.")
    if granter.impersonator:
        raise ApprovalNotYours("Nobody agrees to anything in somebody else's name.")
    return row


def is_awaited(row: Approval, session: Session, *, at: datetime) -> bool:
    """Say whether the session's person has agreed already, where their yes is or was waited for.

    :raises ApprovalClosed: it was refused, used, or has expired, or enough people have agreed.
    """
    state = shown(row, at=at).state
    given = _standing(row).filter(user_id=session.user_id)
    is_given = state in {"pending", "approved"} and given.exists()
    if state != "pending" and not is_given:
        raise ApprovalClosed("It needs nobody's agreement any more.", state=state)
    return is_given


def holds_privilege(row: Approval, session: Session) -> bool:
    """Say whether the session's person is an active member who may do what the approval is for."""
    return session.tenant_id == row.tenant_id and row.privilege in licensing.api.privileges_of_member(
        tenant_id=row.tenant_id, subject_type=session.subject_type, subject_id=session.subject_id
    )


def live_grants(row: Approval) -> int:
    """Count the people whose yes still counts: members since they gave it, who hold the privilege now, each once."""
    given = _standing(row).filter(user__is_active=True)
    people = {(grant.subject_type, grant.subject_id) for grant in given} - {(row.subject_type, row.subject_id)}
    return sum(
        row.privilege
        in licensing.api.privileges_of_member(tenant_id=row.tenant_id, subject_type=subject_type, subject_id=subject_id)
        for subject_type, subject_id in people
    )


def _standing(row: Approval) -> QuerySet[ApprovalGrant]:
    """List the yeses whose memberships go on."""
    return ApprovalGrant.objects.filter(tenant_id=row.tenant_id, approval_id=row.id, ended_at__isnull=True)


def shown(row: Approval, *, at: datetime) -> ShownApproval:
    """Return an approval as it stands, within a transaction of its tenant."""
    granted = live_grants(row)
    if row.used_at is not None:
        state = "used"
    elif row.refused_at is not None:
        state = "refused"
    elif row.expires_at <= at or row.closed_at is not None:
        state = "expired"
    else:
        state = "approved" if granted >= row.needed else "pending"
    return ShownApproval(
        id=approval_ref(row.tenant_id, row.id),
        tenant_id=row.tenant_id,
        state=state,
        subject=(row.subject_type, row.subject_id),
        session_id=row.session_id,
        decision_id=decision_ref(row.decision_id),
        action=row.action,
        resource=(row.resource_type, row.resource_id),
        binding=row.binding,
        display=row.display,
        requirement=Requirement.from_json(row.requirement),
        needed=row.needed,
        granted=granted,
        expires_at=row.expires_at,
    )


def parsed(ref: str) -> tuple[UUID, UUID]:
    """Return (tenant id, approval id).

    :raises ApprovalNotFound: it is no approval's id.
    """
    ids = parse_approval_ref(ref)
    if ids is None:
        raise ApprovalNotFound("There is no such approval for you.")
    return ids


def _may_ask(
    wanted: Approval | ApprovableDecision, session: Session | None, credential: Credential | None, *, tenant_id: UUID
) -> bool:
    """Say whether a caller speaks for who wants something: their own session, their product, or the service itself."""
    if session is not None:
        # A session is of one subject for good.
        return (session.tenant_id, session.id) == (tenant_id, wanted.session_id)
    if credential is None or not credential.reaches(tenant_id) or Verb.STEP_UP_CREATE not in credential.verbs:
        return False
    return wanted.session_id is not None or wanted.credential_id == credential.id


def _check_session(tenant_id: UUID, subject: tuple[str, str], session_id: UUID, *, at: datetime) -> None:
    facts = session_facts(tenant_id=tenant_id, session=session_id, subject=subject, at=at)
    if facts.state != SessionState.LIVE:
        raise ChallengeClosed("The session has ended.")
    if SessionRow.objects.get(tenant_id=tenant_id, id=session_id).impersonator:
        raise ApprovalNotYours("Nobody asks for agreement in somebody else's name.")


def _equal_open(tenant_id: UUID, decision: ApprovableDecision, *, by: str, at: datetime) -> Approval:
    requirement = decision.requirement.to_json()
    canonical = dumps(requirement, sort_keys=True, separators=(",", ":"))
    key = {
        "tenant_id": tenant_id,
        "subject_type": decision.subject[0],
        "subject_id": decision.subject[1],
        "binding": decision.target.binding,
        "requirement_digest": sha256(canonical.encode()).hexdigest(),
    }
    is_open = Approval.objects.filter(**key, closed_at__isnull=True)
    fresh = Approval(
        **key,
        session_id=decision.session_id,
        credential_id=decision.credential_id,
        requirement=requirement,
        needed=decision.requirement.approvals,
        privilege=decision.privilege,
        policy_version=decision.policy_version,
        decision_id=decision.id,
        action=decision.target.action,
        resource_type=decision.resource[0],
        resource_id=decision.resource[1],
        display=decision.display,
        created_at=at,
        expires_at=at + APPROVAL_LIVES,
    )
    if not is_open.filter(expires_at__gt=at).exists():
        check_prompts(tenant_id=tenant_id, subject=decision.subject, is_service=decision.session_id is None, at=at)
    row = put_equal_open(fresh, is_open, at=at)
    if row is None:
        # The equal one that stood in the way was used up this very moment.
        raise ChallengeClosed("The approval was just used: ask for a decision again.")
    if row.id == fresh.id:
        audit.api.append(
            tenant_id=tenant_id,
            kind=audit.api.Kind.APPROVAL_OPENED,
            at=at,
            subject=decision.subject,
            session_id=decision.session_id,
            payload={
                "approval": approval_ref(tenant_id, row.id),
                "decision": decision_ref(decision.id),
                "action": row.action,
                "resource": list(decision.resource),
                "requirement": requirement,
                "privilege": row.privilege,
                "needed": row.needed,
                "policy_version": row.policy_version,
                "expires_at": row.expires_at.isoformat(),
                "by": by,
            },
        )
    return row
