"""Elevations: used once where once is all they are for, and ended with their task."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

import audit.api
from authlevels.challenges import Presenter
from authlevels.ending import EndedBecause, end_elevations_of_sessions, tell_elevation
from authlevels.errors import ElevationGone, ElevationNotFound, SessionNotFound
from authlevels.models import Elevation, SessionRow
from authlevels.principals import Credential, Session
from authlevels.public_ids import elevation_ref, parse_elevation_ref, parse_session_handle
from authlevels.token_ends import drop_tokens
from isolation.api import tenant_transaction
from tiergate import Verb


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveElevation:
    """What a passed challenge left and still counts. id: ``elv_…``, by which it is ended. uses_left: of a batch."""

    id: str
    action: str
    scope: str
    expires_at: datetime
    uses_left: int = 1


def list_elevations(*, session: Session, at: datetime) -> list[LiveElevation]:
    """List what a session is elevated for now, the newest first."""
    with tenant_transaction(session.tenant_id):
        unused = usable_elevations(session.tenant_id, at=at).filter(session_id=session.id, used_at__isnull=True)
        return [
            LiveElevation(
                id=elevation_ref(row.tenant_id, row.id),
                action=row.action,
                scope=row.scope,
                expires_at=row.expires_at,
                uses_left=row.uses_allowed - row.uses,
            )
            for row in unused.order_by("-created_at")
        ]


def nameless(what: str) -> str:
    """Name a use that its request gave no name to, as no request can: an ``X-Request-ID`` has no space in it.

    The trail tells by what a use was made; whoever reads it there has not the same use by that.
    """
    return f"{what} {uuid4().hex}"


def claim_use(*, tenant_id: UUID, elevation_id: UUID, request_id: str, at: datetime) -> bool:
    """Claim the one use of an elevation and say whether this request has it.

    request_id: the caller's ``X-Request-ID``; the same one again has the same use. Empty: never again.
    """
    name = request_id or nameless("once")
    with tenant_transaction(tenant_id):
        # Things of a batch are taken one by one, each by what it is.
        usable = usable_elevations(tenant_id, at=at).filter(id=elevation_id, batch__isnull=True)
        claimed = usable.filter(used_at__isnull=True).update(used_at=at, used_by=name)
        if claimed:
            record_use(tenant_id, elevation_id, name, at=at)
            return True
        return bool(request_id) and usable.filter(used_by=name).exists()


@contextmanager
def elevation_consumed(*, tenant_id: UUID, elevation_id: UUID, at: datetime, request_id: str = "") -> Iterator[None]:
    """Use an elevation in one transaction with the write that it protects.

    Whatever makes the write fail gives the use back; of two at once, one waits and is refused.
    request_id: with the name under which the use was claimed beforehand, that claim is what is used.
    :raises ElevationGone: it was used, has ended or expired, or its session has.
    """
    with tenant_transaction(tenant_id):
        name = nameless("write")
        may_use = Q(used_at__isnull=True)
        if request_id:
            may_use |= Q(used_by=request_id)
        used = (
            usable_elevations(tenant_id, at=at)
            .filter(may_use, id=elevation_id, batch__isnull=True)
            .update(used_at=at, used_by=name)
        )
        if not used:
            raise ElevationGone("The elevation was used, has ended, or has expired.")
        record_use(tenant_id, elevation_id, name, at=at)
        yield


def end_elevation(*, ref: str, presenter: Presenter, at: datetime) -> None:
    """End a task: its elevation counts no further. Ending it again changes nothing.

    ref: ``elv_…``. Its own session may end it, or a credential with ``step_up.create``.
    :raises ElevationNotFound: there is none for this caller.
    """
    ids = parse_elevation_ref(ref)
    if ids is None:
        raise ElevationNotFound("There is no such elevation.")
    tenant_id, elevation_id = ids
    with tenant_transaction(tenant_id):
        row = Elevation.objects.select_for_update().filter(tenant_id=tenant_id, id=elevation_id).first()
        if row is None or not _may_end(row, presenter):
            raise ElevationNotFound("There is no such elevation.")
        if row.ended_at is not None:
            return
        row.ended_at = at
        row.save(update_fields=["ended_at"])
        by = _named(presenter)
        tell_elevation(audit.api.Kind.ELEVATION_ENDED, row, {"why": EndedBecause.TASK_ENDED, "by": by}, at=at)
        drop_tokens(tenant_id=tenant_id, elevation_ids=[row.id], why=EndedBecause.TASK_ENDED, by=by, at=at)


def end_all_elevations(*, tenant_id: UUID, session: str, presenter: Presenter, at: datetime) -> None:
    """End every task of a session; ending them again changes nothing.

    session: the handle. Itself may do so, or a credential with ``step_up.create``.
    :raises SessionNotFound: there is none for this caller.
    """
    session_id = parse_session_handle(session)
    own, credential = presenter.session, presenter.credential
    is_own = own is not None and (own.tenant_id, own.id) == (tenant_id, session_id)
    is_services = credential is not None and _may_end_for(credential, tenant_id)
    with tenant_transaction(tenant_id):
        if (
            session_id is None
            or not (is_own or is_services)
            or not SessionRow.objects.filter(tenant_id=tenant_id, id=session_id).exists()
        ):
            raise SessionNotFound("There is no such session.")
        end_elevations_of_sessions(
            tenant_id=tenant_id,
            session_ids=[session_id],
            why=EndedBecause.ALL_TASKS_ENDED,
            by=_named(presenter),
            at=at,
        )


def usable_elevations(tenant_id: UUID, *, at: datetime) -> QuerySet[Elevation]:
    """Select the elevations that count: redeemed where they had to be, not ended, their session and person alive."""
    return unended_elevations(tenant_id, at=at).filter(awaits_digest__isnull=True)


def unended_elevations(tenant_id: UUID, *, at: datetime) -> QuerySet[Elevation]:
    """Select what has neither ended nor expired, of sessions and people alive; it may still await its code."""
    began = Coalesce("kept_at", "created_at")
    live = SessionRow.objects.filter(
        Q(user__sessions_from__isnull=True) | Q(user__sessions_from__lte=began),
        tenant_id=tenant_id,
        id=OuterRef("session_id"),
        revoked_at__isnull=True,
        expires_at__gt=at,
        user__is_active=True,
    )
    return Elevation.objects.filter(
        Exists(live),
        tenant_id=tenant_id,
        ended_at__isnull=True,
        expires_at__gt=at,
    )


def _may_end(row: Elevation, presenter: Presenter) -> bool:
    session, credential = presenter.session, presenter.credential
    if session is not None:
        return (session.tenant_id, session.id) == (row.tenant_id, row.session_id)
    return credential is not None and _may_end_for(credential, row.tenant_id)


def _may_end_for(credential: Credential, tenant_id: UUID) -> bool:
    return credential.reaches(tenant_id) and Verb.STEP_UP_CREATE in credential.verbs


def _named(presenter: Presenter) -> str:
    if presenter.credential is not None:
        return f"credential:{presenter.credential.name}"
    return ":".join(presenter.session.subject) if presenter.session else ""


def record_use(tenant_id: UUID, elevation_id: UUID, name: str, *, resource: str = "", at: datetime) -> None:
    """Append that an elevation was used, within the transaction that uses it.

    resource: for which one of a batch, ``"type/id"``.
    """
    row = Elevation.objects.get(tenant_id=tenant_id, id=elevation_id)
    told = {"used_by": name, **({"resource": resource} if resource else {})}
    tell_elevation(audit.api.Kind.ELEVATION_USED, row, told, at=at)
