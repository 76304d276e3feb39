"""Telling the trail of what the database ended by itself, in the transaction of a change in a room below or elsewhere.

A trigger ends what somebody confirmed with their membership, and what support does with that of support: it knows no
keys, and so writes no entry of the trail. It writes down what it ended, in that same transaction; that is told here.
"""

from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

import audit.api
from authlevels.ending import tell_elevation
from authlevels.models import Elevation, SessionRow, UntoldEnd
from authlevels.public_ids import session_handle
from authlevels.telling import AT_ONCE, tell_each
from authlevels.token_ends import drop_tokens
from isolation.api import tenant_transaction

_SWEEP: Final = "sweep"
_BY: Final = "tiergate"


def tell_ends(*, at: datetime) -> int:
    """Tell of what the database ended, each once, the oldest first, and return how many, as `telling.tell_each`."""
    untold = UntoldEnd.objects.using(_SWEEP).order_by("ended_at").values_list("tenant_id", "id")
    return tell_each("end", untold[: 2 * AT_ONCE], partial(_tell, at=at))


def _tell(tenant_id: UUID, untold_id: UUID, *, at: datetime) -> int:
    with tenant_transaction(tenant_id):
        row = UntoldEnd.objects.select_for_update().filter(tenant_id=tenant_id, id=untold_id).first()
        if row is None:
            return 0
        if row.elevation_id is not None:
            _tell_elevation(row, row.elevation_id, at=at)
        if row.session_id is not None:
            _tell_session(row, row.session_id, at=at)
        row.delete()
        return 1


def _tell_elevation(row: UntoldEnd, elevation_id: UUID, *, at: datetime) -> None:
    elevation = Elevation.objects.get(tenant_id=row.tenant_id, id=elevation_id)
    told = {"why": row.why, "by": _BY, "ended_at": row.ended_at.isoformat()}
    tell_elevation(audit.api.Kind.ELEVATION_ENDED, elevation, told, at=at)
    drop_tokens(tenant_id=row.tenant_id, elevation_ids=[elevation.id], why=row.why, by=_BY, at=at)


def _tell_session(row: UntoldEnd, session_id: UUID, *, at: datetime) -> None:
    session = SessionRow.objects.get(tenant_id=row.tenant_id, id=session_id)
    audit.api.append(
        tenant_id=row.tenant_id,
        kind=audit.api.Kind.SESSION_REVOKED,
        at=at,
        subject=(session.subject_type, session.subject_id),
        session_id=session.id,
        payload={
            "session": session_handle(session.id),
            "why": row.why,
            "by": _BY,
            "ended_at": row.ended_at.isoformat(),
            "elevations": [],
        },
    )
