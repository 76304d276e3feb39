"""Telling the trail of a sign-in that failed, in a transaction of its own that no refusal rolls back."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import audit.api
import licensing.api
from authlevels.models import User
from authlevels.notices import NoticeKind, notify
from authlevels.risk import Look, look_at, tell_failed_sign_in
from isolation.api import keyed_digests, tenant_transaction
from riskengine import api as riskengine


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An attempt that failed. user: whom the name means, None for nobody; name: as it was typed. told: how it looked."""

    user: User | None
    name: str
    network: str
    ip: str | None
    user_agent: str
    attempts_left: int
    told: riskengine.Told


def record_failure(failure: Failure, *, tenant_id: UUID | None, is_right: bool, at: datetime) -> None:
    """Append to the trail of the tenant that a sign-in failed; of the vendor's, where there is no such tenant.

    Only a member is named: a tenant does not learn who has an account elsewhere. What else was typed may be a
    password in the wrong field, so it and the network are told as keyed digests, by which attempts can be matched.

    is_right: the password was.
    """
    trail = licensing.api.VENDOR_TENANT_ID if tenant_id is None else tenant_id
    user = failure.user
    with tenant_transaction(trail, durable=True):
        subject = None if user is None else (user.subject_type, user.subject_id)
        # Asked of nobody too, so that the answer to an unknown name comes no sooner.
        asked = subject or ("account", "-")
        member = licensing.api.get_member(tenant_id=trail, subject_type=asked[0], subject_id=asked[1])
        is_theirs = subject is not None and member is not None
        audit.api.append(
            tenant_id=trail,
            kind=audit.api.Kind.SIGN_IN_FAILED,
            at=at,
            subject=subject if is_theirs else None,
            payload={
                "why": _why(user, is_right=is_right, is_member=member is not None, is_tenant=tenant_id is not None),
                "name": _matched("name", failure.name),
                "network": _matched("network", failure.network),
                "attempts_left": failure.attempts_left,
            },
            personal=_whence(failure) if is_theirs else None,
        )
        # A name that nobody has is counted as somebody's: who goes through a list of names is known by how many they are.
        counted = subject if is_theirs and subject else (riskengine.NOBODY, name_digest(failure))
        tell_failed_sign_in(trail, counted, look_at(trail, failure.told, at=at), at=at)


def record_blocked(failure: Failure, *, tenant_id: UUID, look: Look, at: datetime) -> None:
    """Append that a sign-in with the right password looked too risky, and tell whose password it is."""
    user = failure.user
    if user is None:
        raise ValueError("nobody's sign-in was right")
    subject = (user.subject_type, user.subject_id)
    with tenant_transaction(tenant_id, durable=True):
        audit.api.append(
            tenant_id=tenant_id,
            kind=audit.api.Kind.SIGN_IN_FAILED,
            at=at,
            subject=subject,
            payload={
                "why": "risk_blocked",
                "name": _matched("name", failure.name),
                "network": _matched("network", failure.network),
                "attempts_left": failure.attempts_left,
                **look.members(),
            },
            personal=_whence(failure),
        )
        notify(tenant_id=tenant_id, user=user, kind=NoticeKind.SIGN_IN_BLOCKED, at=at)
        tell_failed_sign_in(tenant_id, subject, look, at=at)


def name_digest(failure: Failure) -> str:
    """Name whoever was meant by what was typed, as attempts at nobody are counted."""
    return _matched("name", failure.name)


def _whence(failure: Failure) -> dict[str, str | None]:
    return {"ip": failure.ip, "user_agent": failure.user_agent[:512]}


def _why(user: User | None, *, is_right: bool, is_member: bool, is_tenant: bool) -> str:
    if user is None or not is_tenant or not is_member:
        return "unknown_name_or_tenant"
    if not is_right:
        return "wrong_password"
    return "account_ended" if not user.is_active else "membership_ended"


def _matched(what: str, text: str) -> str:
    return keyed_digests(f"trail/{what}", text)[0].hex()[:16]
