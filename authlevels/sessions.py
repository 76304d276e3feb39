"""Sessions: begun, found by secret, kept alive by use, ended."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection

import audit.api
import licensing.api
from authlevels.bearer import BearerKind, digest, digest_key, digests, mint, tenant_of
from authlevels.ending import EndedBecause, end_elevations_of_sessions
from authlevels.errors import SessionNotFound
from authlevels.models import SessionRow
from authlevels.principals import Session
from authlevels.public_ids import session_handle
from authlevels.redigest import move_digest
from isolation.api import tenant_row, tenant_transaction
from tiergate import Activity

TOUCH_EVERY: Final = timedelta(seconds=60)
"""Use is written down at most this often: an idle limit may end this much early, never late."""

_NOTE_USE: Final = "authlevels_note_use(%s, %s, %s, %s, %s, %s)"


def resolve_session_secret(clear: str, *, at: datetime) -> Session | None:
    """Return the live session that a secret belongs to, or None for anything else."""
    tenant_id = tenant_of(BearerKind.SESSION, clear)
    if tenant_id is None:
        return None
    wanted = digests(clear)
    with tenant_transaction(tenant_id):
        row = SessionRow.objects.select_related("user").filter(tenant_id=tenant_id, secret_digest__in=wanted).first()
    if row is None or not _is_live(row, at):
        return None
    move_digest(row, wanted)
    return told(row)


def get_session(*, tenant_id: UUID, session_id: UUID, at: datetime) -> Session:
    """Return a tenant's live session.

    :raises SessionNotFound: there is none, or it has ended.
    """
    with tenant_transaction(tenant_id):
        row = SessionRow.objects.select_related("user").filter(tenant_id=tenant_id, id=session_id).first()
    if row is None or not _is_live(row, at):
        raise SessionNotFound("There is no such live session.")
    return told(row)


def touch_session(*, tenant_id: UUID, session_id: UUID, at: datetime) -> None:
    """Record that a session was used, at most once a minute.

    A use after a longer pause than a level allows sets that level's floor: proofs from before the
    pause no longer count for it.
    """
    with tenant_transaction(tenant_id):
        row = SessionRow.objects.filter(tenant_id=tenant_id, id=session_id).first()
        if row is None or at - row.last_seen_at < TOUCH_EVERY:
            return
        seen = activity_of(row).seen(at)
        # Only if nobody else recorded a use meanwhile: theirs then measured the same pause.
        SessionRow.objects.filter(tenant_id=tenant_id, id=session_id, last_seen_at=row.last_seen_at).update(
            last_seen_at=seen.last_seen_at, aal2_since=seen.aal2_since, aal3_since=seen.aal3_since
        )


def note_use(*, tenant_id: UUID, session_id: UUID, was: Activity, at: datetime) -> None:
    """Record that a session was used, for who has just read ``was``: in a transaction of its own, of one statement.

    It waits for the disk only where a level's floor moves, which raises the tenant's standing: what a crash of the
    database takes back of the others ends a level early, never late. Where another use was recorded since, that one
    stays.

    :raises RuntimeError: inside a transaction, which then would not wait for the disk either.
    """
    if connection.in_atomic_block:
        raise RuntimeError("A use is not noted inside a transaction.")
    seen = was.seen(at)
    tenant_row(
        tenant_id,
        _NOTE_USE,
        [tenant_id, session_id, was.last_seen_at, seen.last_seen_at, seen.aal2_since, seen.aal3_since],
    )


def rotate_session_secret(*, tenant_id: UUID, session_id: UUID) -> str:
    """Give an own session a new secret and return it; the old one is dead at once.

    :raises SessionNotFound: there is no such live session with a secret.
    """
    clear = mint(BearerKind.SESSION, tenant_id)
    with tenant_transaction(tenant_id):
        changed = SessionRow.objects.filter(
            tenant_id=tenant_id,
            id=session_id,
            kind=SessionRow.Kind.OWN,
            revoked_at__isnull=True,
        ).update(secret_digest=digest(clear), digest_key=digest_key())
    if not changed:
        raise SessionNotFound("There is no such live session.")
    return clear


def end_session(*, tenant_id: UUID, session_id: UUID, by: str, at: datetime) -> None:
    """End a session, and with it every elevation; ending it again changes nothing.

    :raises SessionNotFound: the tenant has no such session.
    """
    with tenant_transaction(tenant_id):
        row = SessionRow.objects.select_for_update().filter(tenant_id=tenant_id, id=session_id)
        session = row.first()
        if session is None:
            raise SessionNotFound("There is no such session.")
        if session.revoked_at is not None:
            return
        session.revoked_at = at
        session.save(update_fields=["revoked_at"])
        ended = end_elevations_of_sessions(
            tenant_id=tenant_id, session_ids=[session_id], why=EndedBecause.SESSION_ENDED, by=by, at=at
        )
        audit.api.append(
            tenant_id=tenant_id,
            kind=audit.api.Kind.SESSION_REVOKED,
            at=at,
            subject=(session.subject_type, session.subject_id),
            session_id=session_id,
            payload={
                "session": session_handle(session_id),
                "by": by,
                "elevations": ended,
            },
        )
        licensing.api.publish("session", session_handle(session_id))


def activity_of(row: SessionRow) -> Activity:
    """Return when a session was used, as the kernel reads it."""
    return Activity(last_seen_at=row.last_seen_at, aal2_since=row.aal2_since, aal3_since=row.aal3_since)


def _is_live(row: SessionRow, at: datetime) -> bool:
    return not row.is_over(at)


def told(row: SessionRow) -> Session:
    """Return a session as other rooms see it."""
    return Session(
        id=row.id,
        tenant_id=row.tenant_id,
        user_id=row.user_id,
        subject_type=row.subject_type,
        subject_id=row.subject_id,
        is_own=row.kind == SessionRow.Kind.OWN,
        issuer=row.issuer,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
