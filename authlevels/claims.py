"""Claiming the one use of a transaction's elevation for a product that cannot consume it itself."""

from datetime import datetime
from uuid import UUID

from authlevels.batches import take_from_batch
from authlevels.elevations import nameless, record_use, usable_elevations
from authlevels.public_ids import parse_session_handle
from isolation.api import tenant_transaction
from tiergate import Scope, Target


def claim_transaction(
    *,
    tenant_id: UUID,
    session: str,
    binding: str,
    request_id: str,
    at: datetime,
    target: Target | None = None,
    elevation_id: UUID | None = None,
) -> bool:
    """Claim, for one request, what a session's elevations for a transaction allow, and say whether it has it.

    session: the handle. binding: of this very request. request_id: the caller's ``X-Request-ID``; the
    same one again has the same use. All elevations for one binding are used up together: a person
    confirmed one thing to be done once.
    target: what is to be done; where nothing was confirmed for it alone, it may be one of a batch. elevation_id: of
    the one batch to take it from.
    """
    session_id = parse_session_handle(session)
    if session_id is None or not binding:
        return False
    name = request_id or nameless("once")
    with tenant_transaction(tenant_id):
        of_session = usable_elevations(tenant_id, at=at).filter(session_id=session_id, scope=Scope.TRANSACTION.value)
        usable = of_session.filter(batch__isnull=True, binding=binding)
        if request_id and usable.filter(used_by=name).exists():
            return True
        ids = list(usable.filter(used_at__isnull=True).values_list("id", flat=True))
        claimed = usable.filter(id__in=ids, used_at__isnull=True).update(used_at=at, used_by=name)
        if claimed:
            for one in ids:
                record_use(tenant_id, one, name, at=at)
            return True
        if request_id and usable.filter(used_by=name).exists():
            return True
        if target is None:
            return False
        rows = of_session if elevation_id is None else of_session.filter(id=elevation_id)
        taken, is_new = take_from_batch(rows, target=target, name=name, request_id=request_id, at=at)
        if taken is not None and is_new:
            record_use(tenant_id, taken.id, name, resource=target.resource, at=at)
        return taken is not None
