"""What ends elevations before their time: the session, a factor, the password, or whoever has them all ended."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db.models import Q

import audit.api
from authlevels.models import Elevation, ProofRow, SessionRow
from authlevels.public_ids import elevation_ref
from authlevels.token_ends import drop_tokens
from isolation.api import tenant_transaction


class EndedBecause(StrEnum):
    """Why an elevation ended, as the trail tells it."""

    TASK_ENDED = "task_ended"
    ALL_TASKS_ENDED = "all_tasks_ended"
    SESSION_ENDED = "session_ended"
    FACTOR_REMOVED = "factor_removed"
    FACTOR_CLONED = "factor_cloned"
    MEMBERSHIP_ENDED = "membership_ended"
    RISK_RAISED = "risk_raised"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason, no password


def end_elevations_of_sessions(
    *, tenant_id: UUID, session_ids: Iterable[UUID], why: EndedBecause, by: str, at: datetime
) -> list[str]:
    """End all that these sessions are elevated for, and return what ended: ``elv_…``."""
    return _end(tenant_id, Q(session_id__in=list(session_ids)), why=why, by=by, at=at)


def end_elevations_resting_on(
    *, tenant_id: UUID, authenticator: str, why: EndedBecause, by: str, at: datetime
) -> list[str]:
    """End, in one tenant, whatever was confirmed with this authenticator, and return what ended: ``elv_…``.

    authenticator: as proofs name it, e.g. ``"totp:<handle>"``.
    """
    shown = ProofRow.objects.filter(tenant_id=tenant_id, authenticator=authenticator, elevation_id__isnull=False)
    return _end(tenant_id, Q(id__in=shown.values("elevation_id")), why=why, by=by, at=at)


def _end(tenant_id: UUID, which: Q, *, why: EndedBecause, by: str, at: datetime) -> list[str]:
    with tenant_transaction(tenant_id):
        found = Elevation.objects.select_for_update().filter(
            which, tenant_id=tenant_id, ended_at__isnull=True, expires_at__gt=at
        )
        rows = list(found.order_by("created_at", "id"))
        Elevation.objects.filter(tenant_id=tenant_id, id__in=[row.id for row in rows]).update(ended_at=at)
        # Of what was used up, or never counted, nothing is left to end.
        counting = [row for row in rows if row.used_at is None and row.awaits_digest is None]
        for row in counting:
            tell_elevation(audit.api.Kind.ELEVATION_ENDED, row, {"why": why.value, "by": by}, at=at)
        drop_tokens(tenant_id=tenant_id, elevation_ids=[row.id for row in rows], why=why, by=by, at=at)
    return [elevation_ref(tenant_id, row.id) for row in counting]


def tell_elevation(kind: audit.api.Kind, row: Elevation, more: dict[str, str], *, at: datetime) -> None:
    """Append what became of an elevation, within the transaction in which it did."""
    session = SessionRow.objects.get(tenant_id=row.tenant_id, id=row.session_id)
    audit.api.append(
        tenant_id=row.tenant_id,
        kind=kind,
        at=at,
        subject=(session.subject_type, session.subject_id),
        session_id=row.session_id,
        payload={
            "elevation": elevation_ref(row.tenant_id, row.id),
            "action": row.action,
            "scope": row.scope,
            **more,
        },
    )
