"""The end of tokens: whatever they rest on takes them with it, and the trail is told why, once for each."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from django.db.models import Q

import audit.api
from authlevels.models import Approval, SessionRow, Token
from authlevels.public_ids import approval_ref, elevation_ref, token_ref
from authlevels.telling import AT_ONCE, tell_each
from isolation.api import tenant_transaction

EXPIRED: Final = "expired"
KEPT_FOR: Final = timedelta(days=1)
"""How long a token's row is kept after its end; the trail keeps what it tells."""

_SWEEP: Final = "sweep"


def drop_tokens(*, tenant_id: UUID, elevation_ids: Iterable[UUID], why: str, by: str, at: datetime) -> None:
    """End the tokens that rest on elevations, in the transaction that ends these.

    Those that have expired by themselves are left to say so.
    """
    _drop_all(Q(elevation_id__in=list(elevation_ids)), tenant_id=tenant_id, why=why, by=by, at=at)


def drop_token(*, tenant_id: UUID, token_id: UUID, why: str, by: str, at: datetime) -> None:
    """End one token; again changes nothing."""
    _drop_all(Q(id=token_id), tenant_id=tenant_id, why=why, by=by, at=at)


def drop_expired(*, at: datetime) -> int:
    """Tell of the tokens that have expired by themselves, and forget those of yesterday; again changes nothing."""
    over = Token.objects.using(_SWEEP).filter(dropped_at__isnull=True, expires_at__lte=at).order_by("expires_at")
    waiting = over.values_list("tenant_id", "id")[: 2 * AT_ONCE]
    told = tell_each("token", waiting, partial(_drop_expired, at=at))
    Token.objects.using(_SWEEP).filter(dropped_at__isnull=False, expires_at__lte=at - KEPT_FOR).delete()
    return told


def record_scope(kind: audit.api.Kind, row: Token, more: dict[str, object], *, at: datetime) -> None:
    """Append that scopes were raised or dropped, within the transaction that does it."""
    if row.approval_id is not None:
        whose: SessionRow | Approval = Approval.objects.get(tenant_id=row.tenant_id, id=row.approval_id)
        rests_on = {"approval": approval_ref(row.tenant_id, row.approval_id)}
    elif row.session_id is not None and row.elevation_id is not None:
        whose = SessionRow.objects.get(tenant_id=row.tenant_id, id=row.session_id)
        rests_on = {"elevation": elevation_ref(row.tenant_id, row.elevation_id)}
    else:
        raise ValueError("a token that rests on nothing")
    audit.api.append(
        tenant_id=row.tenant_id,
        kind=kind,
        at=at,
        subject=(whose.subject_type, whose.subject_id),
        session_id=row.session_id,
        payload={
            "token": token_ref(row.tenant_id, row.id),
            "scope": " ".join(row.scopes),
            "audience": row.audience,
            **rests_on,
            **more,
        },
    )


def _drop_all(which: Q, *, tenant_id: UUID, why: str, by: str, at: datetime) -> None:
    with tenant_transaction(tenant_id):
        alive = Token.objects.filter(which, tenant_id=tenant_id, dropped_at__isnull=True, expires_at__gt=at)
        for row in alive.order_by("id"):
            _drop(row, why=why, by=by, at=at)


def _drop_expired(tenant_id: UUID, token_id: UUID, *, at: datetime) -> int:
    with tenant_transaction(tenant_id):
        row = Token.objects.filter(tenant_id=tenant_id, id=token_id).first()
        return 0 if row is None else _drop(row, why=EXPIRED, by="tiergate", at=at)


def _drop(row: Token, *, why: str, by: str, at: datetime) -> int:
    # Only whoever finds it alive tells of it.
    mine = Token.objects.filter(tenant_id=row.tenant_id, id=row.id, dropped_at__isnull=True)
    dropped = mine.update(dropped_at=at, dropped_why=why)
    if dropped:
        record_scope(audit.api.Kind.SCOPE_DROPPED, row, {"why": why, "by": by}, at=at)
    return dropped
