"""Changing one's password: whoever else is signed in with the old one is signed out."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import audit.api
import licensing.api
from authlevels.attempts import charge, give_back
from authlevels.ending import EndedBecause, end_elevations_of_sessions
from authlevels.errors import PasswordRefused, WrongCode
from authlevels.factors import require_held_level
from authlevels.models import PasskeyDevice, SessionRow, TotpDevice, User
from authlevels.notices import NoticeKind, notify
from authlevels.passwords import accept_password, is_right_password, password_bucket
from authlevels.policy import limit_for
from authlevels.principals import Session
from authlevels.sessions import end_session, rotate_session_secret
from isolation.api import tenant_transaction
from tiergate import SessionFacts


def change_password(*, session: Session, facts: SessionFacts, current: str, new: str, at: datetime) -> str:
    """Change the password of the session's person, and return the session's own new secret; the old one is dead.

    In whatever tenant, every other session of the person is over; in this one, each is told of in the trail, and all
    that was confirmed ends with it, in this session too.
    :raises HeldLevelNeeded: the session does not hold the highest level that the person can reach.
    :raises WrongCode: the current password is not right.
    :raises PasswordRefused: the new one breaks the rules for choosing one.
    :raises Throttled: too many wrong ones, wherever they were typed.
    """
    require_held_level(facts, user_id=session.user_id, at=at)
    with tenant_transaction(session.tenant_id):
        person = User.objects.get(id=session.user_id)
        limit = limit_for(person, tenant_id=session.tenant_id)
    left = charge(bucket=password_bucket(person), limit=limit, at=at)
    by = ":".join(session.subject)
    with _given_back_if_refused(password_bucket(person), at=at), tenant_transaction(session.tenant_id, durable=True):
        user = User.objects.select_for_update().get(id=session.user_id)
        is_right = is_right_password(user, current)
        if is_right:
            give_back(bucket=password_bucket(user), at=at)
            _accept(new, user)
            user.set_password(new)
            user.sessions_from = at
            user.save(update_fields=["password", "sessions_from"])
            SessionRow.objects.filter(tenant_id=session.tenant_id, id=session.id).update(kept_at=at)
            _end_others(session, by=by, at=at)
            secret = rotate_session_secret(tenant_id=session.tenant_id, session_id=session.id)
            notify(tenant_id=session.tenant_id, user=user, kind=NoticeKind.PASSWORD_CHANGED, at=at)
            licensing.api.publish("person", str(user.id))
        kind = audit.api.Kind.PASSWORD_CHANGED if is_right else audit.api.Kind.FACTOR_FAILED
        told = {"factor": "password", **({} if is_right else {"why": "wrong", "attempts_left": left}), "by": by}
        audit.api.append(
            tenant_id=session.tenant_id,
            kind=kind,
            at=at,
            subject=session.subject,
            session_id=session.id,
            payload=told,
        )
    if not is_right:
        raise WrongCode("The current password is not right.", attempts_left=left)
    return secret


@contextmanager
def _given_back_if_refused(bucket: str, *, at: datetime) -> Iterator[None]:
    """Give the attempt back where only the new password was refused: the current one was right."""
    try:
        yield
    except PasswordRefused:
        give_back(bucket=bucket, at=at)
        raise


def _accept(new: str, user: User) -> None:
    tables = (TotpDevice, PasskeyDevice)
    has_second = any(one.objects.filter(user=user, confirmed=True, disabled_at=None).exists() for one in tables)
    accept_password(new, user, has_second_factor=has_second)
    if user.check_password(new):
        raise PasswordRefused("The new password is the present one.")


def _end_others(session: Session, *, by: str, at: datetime) -> None:
    tenant_id = session.tenant_id
    others = SessionRow.objects.filter(
        tenant_id=tenant_id, user_id=session.user_id, revoked_at__isnull=True, expires_at__gt=at
    ).exclude(id=session.id)
    for one in others.order_by("created_at").values_list("id", flat=True):
        end_session(tenant_id=tenant_id, session_id=one, by=by, at=at)
    end_elevations_of_sessions(
        tenant_id=tenant_id, session_ids=[session.id], why=EndedBecause.PASSWORD_CHANGED, by=by, at=at
    )
