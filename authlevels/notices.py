"""Telling people by e-mail what became of their factors: written with the change, so that none is made in silence."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from authlevels.models import Notice, User
from isolation.api import tenant_transaction


class NoticeKind(StrEnum):
    """What a person is told of."""

    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    FACTOR_RENAMED = "factor_renamed"
    FACTOR_DISABLED = "factor_disabled"
    FACTOR_CLONED = "factor_cloned"
    RECOVERY_USED = "recovery_used"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a kind, no password
    UNLOCKED = "unlocked"
    IMPERSONATED = "impersonated"
    SIGN_IN_BLOCKED = "sign_in_blocked"
    ENROLMENT_ASKED = "enrolment_asked"


def notify(*, tenant_id: UUID, user: User, kind: NoticeKind, at: datetime, once: str = "", **told: str) -> None:
    """Write down what a person is to be told, in the transaction of what it tells of; it is sent later, once at least.

    A person without an address is told nothing: a product knows how to reach the people that it vouches for.

    once: names what this person is to be told a single time. told: what the sentences say besides; never a secret,
        since an e-mail is read by others.
    """
    if not user.email:
        return
    with tenant_transaction(tenant_id, savepoint=False):
        row = Notice(
            tenant_id=tenant_id,
            subject_type=user.subject_type,
            subject_id=user.subject_id,
            kind=kind.value,
            once=once,
            address=user.email,
            told=told,
            created_at=at,
            next_try_at=at,
        )
        Notice.objects.bulk_create([row], ignore_conflicts=bool(once))
