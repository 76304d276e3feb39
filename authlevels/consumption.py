"""Using up an elevation for a service far away: held by its row's lock while the decision is made anew."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from authlevels.batches import batch_scope
from authlevels.claims import claim_transaction
from authlevels.elevations import claim_use, usable_elevations
from authlevels.errors import ElevationElsewhere, ElevationGone, ElevationNotFound
from authlevels.models import Elevation, SessionRow
from authlevels.public_ids import elevation_ref, parse_elevation_ref, parse_session_handle, session_handle
from isolation.api import tenant_transaction
from riskengine import api as riskengine
from tiergate import ProofScope, Scope, Target, elevation_scope


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldElevation:
    """An elevation and whose it is.

    subject: (type, id). session: the handle. scope: what the proofs count for that it rests on.
    """

    tenant_id: UUID
    id: UUID
    subject: tuple[str, str]
    session: str
    scope: ProofScope

    @property
    def ref(self) -> str:
        """Return ``elv_…``."""
        return elevation_ref(self.tenant_id, self.id)


def get_elevation(*, ref: str) -> HeldElevation:
    """Return an elevation by its public id, whatever has become of it.

    ref: ``elv_…``. Whether the caller reaches its tenant is for the caller's room to ask.
    :raises ElevationNotFound: there is none.
    """
    ids = parse_elevation_ref(ref)
    if ids is None:
        raise ElevationNotFound("There is no such elevation.")
    tenant_id, elevation_id = ids
    with tenant_transaction(tenant_id):
        row = Elevation.objects.filter(tenant_id=tenant_id, id=elevation_id, awaits_digest__isnull=True).first()
        if row is None:
            raise ElevationNotFound("There is no such elevation.")
        session = SessionRow.objects.get(tenant_id=tenant_id, id=row.session_id)
    target = Target(action=row.action, resource=f"{row.resource_type}/{row.resource_id}", binding=row.binding)
    scope = elevation_scope(Scope(row.scope), target, until=row.expires_at)
    if row.batch is not None:
        scope = batch_scope(row.batch, action=row.action, left=row.uses_allowed - row.uses, until=row.expires_at)
    return HeldElevation(
        tenant_id=tenant_id,
        id=row.id,
        subject=(session.subject_type, session.subject_id),
        session=session_handle(session.id),
        scope=scope,
    )


def lock_elevation(held: HeldElevation, *, request_id: str, at: datetime) -> None:
    """Lock an elevation for the rest of the transaction, so that nobody uses or ends it meanwhile.

    request_id: the use that this very request has claimed before does not stand in its way.
    :raises ElevationGone: it was used by another request, has ended or expired, or its session has.
    """
    with tenant_transaction(held.tenant_id):
        session_id = parse_session_handle(held.session)
        if session_id is not None:
            # First, as whoever sees the session come to look riskier does: that ends its elevations, and may come of this very use.
            riskengine.hold_session(tenant_id=held.tenant_id, session_id=session_id)
        usable = usable_elevations(held.tenant_id, at=at).filter(id=held.id)
        row = usable.select_for_update(of=("self",)).first()
        if row is None:
            raise ElevationGone("The elevation has ended or has expired.", why="ended")
        used_by = {row.used_by} if row.batch is None else set(row.batch["used"].values())
        if row.used_at is not None and not (request_id and request_id in used_by):
            raise ElevationGone("The elevation was used already.", why="used")


def use_elevation(held: HeldElevation, *, target: Target, request_id: str, at: datetime) -> None:
    """Use up an elevation that this transaction has locked.

    For one transaction, whatever else was confirmed for the very same one is used up with it: a person confirmed one
    thing to be done once.
    target: what is to be done.
    :raises ElevationElsewhere: it was given for something else, or the batch has no more of it.
    :raises ElevationGone: it was used all the same.
    """
    if held.scope.batch is None and not held.scope.covers(target):
        raise ElevationElsewhere("The elevation was given for something else.", why="elsewhere")
    if held.scope.kind == Scope.TRANSACTION:
        has_it = claim_transaction(
            tenant_id=held.tenant_id,
            session=held.session,
            binding=target.binding,
            request_id=request_id,
            at=at,
            target=target,
            elevation_id=held.id,
        )
    else:
        has_it = claim_use(tenant_id=held.tenant_id, elevation_id=held.id, request_id=request_id, at=at)
    if not has_it:
        raise ElevationGone("The elevation was used already.", why="used")
