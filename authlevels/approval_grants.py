"""Agreeing to an approval, refusing it, counting who agreed, and using it up."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

import audit.api
import licensing.api
from authlevels.approvals import ShownApproval, check_granter, holds_privilege, is_awaited, live_grants, parsed, shown
from authlevels.claims import claim_transaction
from authlevels.elevations import nameless
from authlevels.errors import ApprovalClosed, ApprovalNotFound, ElevationGone
from authlevels.models import Approval, ApprovalGrant
from authlevels.principals import Session
from authlevels.public_ids import approval_ref
from isolation.api import tenant_transaction
from tiergate import Requirement


def grant_approval(*, ref: str, session: Session, binding: str, at: datetime) -> ShownApproval:
    """Count a person's yes, once, and use up the proof that they gave for it, in one transaction.

    binding: of the allowed decision on `tiergate.Action.APPROVAL_GRANT`, whose proof is used. Agreeing again changes
    nothing and prolongs nothing.
    :raises ApprovalNotFound: there is none that they may agree to.
    :raises ApprovalNotYours: they asked for it themselves, or act as somebody else.
    :raises ApprovalClosed: it was refused, used, or has expired, or enough people have agreed.
    :raises ElevationGone: the proof was used, has ended or has expired.
    """
    tenant_id, approval_id = parsed(ref)
    with tenant_transaction(tenant_id, durable=True):
        # First of all, since whoever ends the membership goes on to end what it confirmed: each would wait for the other.
        licensing.api.hold_member(tenant_id=tenant_id, subject_type=session.subject_type, subject_id=session.subject_id)
        row = Approval.objects.select_for_update().filter(tenant_id=tenant_id, id=approval_id).first()
        row = check_granter(row, session)
        if is_awaited(row, session, at=at):
            return shown(row, at=at)
        if not claim_transaction(tenant_id=tenant_id, session=session.handle, binding=binding, request_id="", at=at):
            raise ElevationGone("The confirmation was used, has ended, or has expired.")
        ApprovalGrant.objects.create(
            tenant_id=tenant_id,
            approval_id=approval_id,
            session_id=session.id,
            user_id=session.user_id,
            subject_type=session.subject_type,
            subject_id=session.subject_id,
            level=Requirement.from_json(row.requirement).level.value,
            at=at,
        )
        now_stands = shown(row, at=at)
        _record_answer(audit.api.Kind.APPROVAL_GRANTED, row, session, {"granted": now_stands.granted}, at=at)
        return now_stands


def refuse_approval(*, ref: str, session: Session, at: datetime) -> ShownApproval:
    """Close an approval for good: one no is enough, and whoever asked may take it back. Again changes nothing.

    :raises ApprovalNotFound: there is none for this session.
    :raises ApprovalClosed: it was used, or has expired.
    """
    tenant_id, approval_id = parsed(ref)
    with tenant_transaction(tenant_id, durable=True):
        row = Approval.objects.select_for_update().filter(tenant_id=tenant_id, id=approval_id).first()
        is_askers = row is not None and (row.tenant_id, row.session_id) == (session.tenant_id, session.id)
        if row is None or not (is_askers or holds_privilege(row, session)):
            raise ApprovalNotFound("There is no such approval for you.")
        stands = shown(row, at=at)
        if stands.state == "refused":
            return stands
        if stands.state in {"used", "expired"}:
            raise ApprovalClosed("It needs nobody's agreement any more.", state=stands.state)
        row.refused_at = at
        row.save(update_fields=["refused_at"])
        _record_answer(audit.api.Kind.APPROVAL_REFUSED, row, session, {"is_withdrawn": is_askers}, at=at)
        return shown(row, at=at)


@dataclass(frozen=True, slots=True)
class Agreed:
    """How many people have agreed, and until when that counts: None where nobody has."""

    people: int = 0
    until: datetime | None = None


def count_approvals(
    *,
    tenant_id: UUID,
    subject: tuple[str, str],
    binding: str,
    requirement: Requirement,
    at: datetime,
    request_id: str = "",
    is_claimed: bool = False,
) -> Agreed:
    """Count the people who have agreed to exactly this request, and whose yes still counts.

    requirement: what is asked now; what people agreed to under a lesser one does not count.
    request_id: an approval that this very request has used up still counts for it; with is_claimed, none but that.
    """
    with tenant_transaction(tenant_id):
        usable = _usable(tenant_id, subject, binding, request_id=request_id, at=at)
        if is_claimed:
            usable = usable.filter(used_at__isnull=False)
        given = [Agreed(live_grants(row), row.expires_at) for row in _enough(usable, requirement)]
    return max(given, key=lambda one: (one.people, one.until), default=Agreed())


def claim_approval(
    *,
    tenant_id: UUID,
    subject: tuple[str, str],
    binding: str,
    requirement: Requirement,
    request_id: str,
    at: datetime,
) -> bool:
    """Claim the one use of what people agreed to for one transaction, and say whether this request has it.

    request_id: the caller's ``X-Request-ID``; the same one again has the same use. All approvals of one binding
    are used up together: people agreed to one thing to be done once.
    """
    name = request_id or nameless("once")
    with tenant_transaction(tenant_id):
        usable = _usable(tenant_id, subject, binding, request_id=request_id, at=at)
        rows = list(usable.select_for_update().order_by("created_at"))
        if not any(live_grants(row) >= requirement.approvals for row in _enough(rows, requirement)):
            return False
        for row in rows:
            if row.used_at is None:
                row.used_at = row.closed_at = at
                row.used_by = name
                row.save(update_fields=["used_at", "closed_at", "used_by"])
                _record(audit.api.Kind.APPROVAL_USED, row, {"used_by": name}, at=at)
        return True


def _usable(
    tenant_id: UUID, subject: tuple[str, str], binding: str, *, request_id: str, at: datetime
) -> QuerySet[Approval]:
    may_use = Q(closed_at__isnull=True)
    if request_id:
        may_use |= Q(used_by=request_id)
    return Approval.objects.filter(
        may_use,
        tenant_id=tenant_id,
        subject_type=subject[0],
        subject_id=subject[1],
        binding=binding,
        refused_at__isnull=True,
        expires_at__gt=at,
    )


def _enough(rows: Iterable[Approval], requirement: Requirement) -> list[Approval]:
    return [row for row in rows if Requirement.from_json(row.requirement).is_at_least(requirement)]


def _record_answer(
    kind: audit.api.Kind, row: Approval, session: Session, more: dict[str, Any], *, at: datetime
) -> None:
    asked_by = f"{row.subject_type}:{row.subject_id}"
    audit.api.append(
        tenant_id=row.tenant_id,
        kind=kind,
        at=at,
        subject=session.subject,
        session_id=session.id,
        payload={
            "approval": approval_ref(row.tenant_id, row.id),
            "action": row.action,
            "asked_by": audit.api.tagged_actor(tenant_id=row.tenant_id, actor=asked_by),
            "needed": row.needed,
            "policy_version": row.policy_version,
            "by": ":".join(session.subject),
            **more,
        },
    )


def _record(kind: audit.api.Kind, row: Approval, more: dict[str, Any], *, at: datetime) -> None:
    audit.api.append(
        tenant_id=row.tenant_id,
        kind=kind,
        at=at,
        subject=(row.subject_type, row.subject_id),
        session_id=row.session_id,
        payload={"approval": approval_ref(row.tenant_id, row.id), "action": row.action, **more},
    )
