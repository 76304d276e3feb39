"""The vendor's support acts as a person of a tenant: for a while, with a reason, and never beyond what needs no proof.

What is begun is a session of the person with a handle and no secret, so that only the vendor's own products take it
up. What it proves is support's word alone, worth aal1; nothing that the person has enrolled is there for it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import IntegrityError

import audit.api
import licensing.api
from authlevels.assertion import put_shadow_user
from authlevels.errors import ImpersonationForbidden, ImpersonationRefused, SessionNotFound, SubjectNotMember
from authlevels.models import SessionRow, User
from authlevels.models.people import ACCOUNT
from authlevels.notices import NoticeKind, notify
from authlevels.policy import get_policy, hold_policy
from authlevels.principals import Session
from authlevels.public_ids import session_handle
from authlevels.session_start import SUPPORT_ISSUER, Origin, Support, start_session
from authlevels.sessions import end_session
from authlevels.sign_in import is_active_member
from isolation.api import tenant_transaction
from tiergate import SESSION_WIDE, FactorKind, Level, Proof

MAX_MINUTES: Final = 60
MOST_LISTED: Final = 200
_MAX_REASON: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Impersonation:
    """One time that support acted as somebody. by: as ``type:id``; ended_at: None while it goes on."""

    session: str
    subject_type: str
    subject_id: str
    by: str
    reason: str
    started_at: datetime
    expires_at: datetime
    ended_at: datetime | None


def begin_impersonation(  # noqa: PLR0913 - each is a member of what is recorded
    *,
    support: Session,
    tenant_id: UUID,
    subject_type: str,
    subject_id: str,
    reason: str,
    minutes: int,
    at: datetime,
    ip: str | None = None,
    user_agent: str = "",
) -> Session:
    """Begin a session in which the vendor's person acts as a member of a tenant, and return it.

    It ends with that person's own session, membership or privilege, at the latest within a second; and who is acted
    as is told by e-mail.

    support: the own session of who will act, of tenant zero. minutes: 1 to 60.
    :raises ImpersonationRefused: no reason that can be read, or too long a time.
    :raises ImpersonationForbidden: not the vendor's person, not a customer's tenant, or the tenant allows it to nobody.
    :raises SubjectNotMember: no active member.
    """
    told_reason = reason.strip()
    if not told_reason or len(told_reason) > _MAX_REASON or not told_reason.isprintable():
        raise ImpersonationRefused(f"Say why, in 1 to {_MAX_REASON} printable characters.")
    if not 1 <= minutes <= MAX_MINUTES:
        raise ImpersonationRefused(f"An impersonation lasts 1 to {MAX_MINUTES} minutes.")
    if support.tenant_id != licensing.api.VENDOR_TENANT_ID or not support.is_own:
        raise ImpersonationForbidden("Only the vendor's own people act as somebody else, signed in as themselves.")
    if tenant_id == licensing.api.VENDOR_TENANT_ID:
        raise ImpersonationForbidden("Nobody acts as one of the vendor's own people.")
    actor = ":".join(support.subject)
    with tenant_transaction(tenant_id):
        # Whoever forbids it ends those that have begun: none may begin meanwhile by what was so before.
        hold_policy(tenant_id)
        if not get_policy(tenant_id=tenant_id).allow_impersonation:
            raise ImpersonationForbidden("The tenant lets nobody act as its members.")
        if not is_active_member(tenant_id, subject_type, subject_id):
            raise SubjectNotMember("The subject is no active member of this tenant.")
        user = _user(tenant_id, subject_type, subject_id, at=at)
        try:
            session = start_session(
                tenant_id=tenant_id,
                user=user,
                issuer=SUPPORT_ISSUER,
                proofs=[_supports_word(at)],
                origin=Origin(ip=ip, user_agent=user_agent),
                expires_at=min(at + timedelta(minutes=minutes), support.expires_at),
                at=at,
                support=Support(actor=actor, session_id=support.id, reason=told_reason),
            )
        except IntegrityError as error:
            # The database looks at the vendor's rows, which this transaction does not see.
            raise ImpersonationForbidden("Your own session or membership has just ended.") from error
        notify(tenant_id=tenant_id, user=user, kind=NoticeKind.IMPERSONATED, at=at, reason=told_reason)
        audit.api.append(
            tenant_id=tenant_id,
            kind=audit.api.Kind.IMPERSONATION_STARTED,
            at=at,
            subject=(subject_type, subject_id),
            session_id=session.id,
            payload={"by": actor, "session": session.handle, "expires_at": session.expires_at.isoformat()},
            personal={"reason": told_reason},
        )
    return session


def list_impersonations(*, tenant_id: UUID) -> list[Impersonation]:
    """List when support acted as somebody of a tenant, the newest first, 200 at most."""
    with tenant_transaction(tenant_id):
        rows = SessionRow.objects.filter(tenant_id=tenant_id, kind=SessionRow.Kind.IMPERSONATED)
        return [_told(row) for row in rows.order_by("-created_at", "id")[:MOST_LISTED]]


def end_impersonation(*, tenant_id: UUID, session_id: UUID, by: str, at: datetime) -> None:
    """End an impersonation, everywhere within a second; ending it again changes nothing.

    :raises SessionNotFound: no impersonation of this tenant has that id.
    """
    with tenant_transaction(tenant_id):
        found = SessionRow.objects.filter(tenant_id=tenant_id, id=session_id, kind=SessionRow.Kind.IMPERSONATED)
        if not found.exists():
            raise SessionNotFound("There is no such impersonation.")
        end_session(tenant_id=tenant_id, session_id=session_id, by=by, at=at)


def _supports_word(at: datetime) -> Proof:
    # No method of RFC 8176 says that somebody else was there; of no kind that any level above aal1 counts.
    return Proof(
        method="support",
        at=at,
        issuer=SUPPORT_ISSUER,
        authenticator=SUPPORT_ISSUER,
        factor_kind=FactorKind.OTHER,
        scope=SESSION_WIDE,
        ceiling=Level.AAL1,
    )


def _user(tenant_id: UUID, subject_type: str, subject_id: str, *, at: datetime) -> User:
    if subject_type != ACCOUNT:
        return put_shadow_user(tenant_id, subject_type, subject_id, at=at)
    found = User.objects.filter(realm__isnull=True, subject_type=ACCOUNT, subject_id=subject_id).first()
    if found is None or not found.is_active:
        raise SubjectNotMember("The subject is no active member of this tenant.")
    return found


def _told(row: SessionRow) -> Impersonation:
    return Impersonation(
        session=session_handle(row.id),
        subject_type=row.subject_type,
        subject_id=row.subject_id,
        by=row.impersonator,
        reason=row.impersonated_for,
        started_at=row.created_at,
        expires_at=row.expires_at,
        ended_at=row.revoked_at,
    )
