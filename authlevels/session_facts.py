"""What a decision may know of a session: its live proofs, its use, and what could be shown."""

from datetime import datetime
from uuid import UUID

from authlevels.factors import authenticators_of
from authlevels.models import Elevation, ProofRow, SessionRow
from authlevels.public_ids import parse_session_handle, session_handle
from authlevels.sessions import activity_of
from isolation.api import tenant_transaction
from tiergate import (
    OWN_ISSUER,
    SESSION_WIDE,
    Authenticator,
    FactorKind,
    Proof,
    ProofScope,
    Scope,
    SessionFacts,
    SessionState,
    Target,
    elevation_scope,
)


def session_facts(
    *,
    tenant_id: UUID,
    session: str | UUID,
    subject: tuple[str, str],
    at: datetime,
    request_id: str = "",
) -> SessionFacts:
    """Gather what is known of a session at an instant.

    session: its handle or id. One of another tenant or subject is ``unknown``, as is garbage.
    request_id: a one-use elevation that this very request has claimed still counts for it.
    """
    session_id = parse_session_handle(session) if isinstance(session, str) else session
    handle = session if isinstance(session, str) else session_handle(session)
    if session_id is None:
        return SessionFacts(handle=handle, state=SessionState.UNKNOWN)
    with tenant_transaction(tenant_id, savepoint=False):
        row = (
            SessionRow.objects.select_related("user")
            .filter(
                tenant_id=tenant_id,
                id=session_id,
                subject_type=subject[0],
                subject_id=subject[1],
            )
            .first()
        )
        if row is None:
            return SessionFacts(handle=handle, state=SessionState.UNKNOWN)
        if row.revoked_at is not None or not row.user.is_active:
            return SessionFacts(handle=handle, state=SessionState.REVOKED)
        if row.expires_at <= at:
            return SessionFacts(handle=handle, state=SessionState.EXPIRED)
        enrolled = authenticators_of(row.user)
        proofs = [proof for proof in _live_proofs(row, at=at, request_id=request_id) if _still_stands(proof, enrolled)]
        return SessionFacts(
            handle=handle,
            state=SessionState.LIVE,
            proofs=tuple(proofs),
            activity=activity_of(row),
            enrolled=(*enrolled, *_of_provider(row, proofs)),
            expires_at=row.expires_at,
        )


def _still_stands(proof: Proof, enrolled: tuple[Authenticator, ...]) -> bool:
    """Say whether what gave a proof is still the person's; a factor that was removed proves nothing further."""
    return proof.issuer != OWN_ISSUER or any(one.authenticator == proof.authenticator for one in enrolled)


def proof_of(row: ProofRow, scope: ProofScope) -> Proof:
    """Return a recorded act as the kernel reads it."""
    return Proof(
        method=row.method,
        at=row.at,
        issuer=row.issuer,
        authenticator=row.authenticator,
        factor_kind=FactorKind(row.factor_kind),
        phishing_resistant=row.phishing_resistant,
        user_verified=row.user_verified,
        device_bound=row.device_bound,
        scope=scope,
    )


def scope_of(elevation: Elevation) -> ProofScope:
    """Return what the proofs of an elevation count for."""
    target = Target(
        action=elevation.action,
        resource=f"{elevation.resource_type}/{elevation.resource_id}",
        binding=elevation.binding,
    )
    return elevation_scope(Scope(elevation.scope), target, until=elevation.expires_at)


def _live_proofs(row: SessionRow, *, at: datetime, request_id: str) -> list[Proof]:
    elevations = Elevation.objects.filter(
        tenant_id=row.tenant_id,
        session_id=row.id,
        awaits_digest__isnull=True,
        ended_at__isnull=True,
        expires_at__gt=at,
    )
    scopes = {one.id: scope_of(one) for one in elevations if is_unused(one, request_id)}
    proofs = []
    for proof in ProofRow.objects.filter(tenant_id=row.tenant_id, session_id=row.id):
        if proof.challenge_id is None:
            proofs.append(proof_of(proof, SESSION_WIDE))
        elif proof.elevation_id in scopes:
            proofs.append(proof_of(proof, scopes[proof.elevation_id]))
    return proofs


def is_unused(elevation: Elevation, request_id: str) -> bool:
    """Say whether an elevation may still be used by this request."""
    return elevation.used_at is None or (request_id != "" and elevation.used_by == request_id)


def _of_provider(row: SessionRow, proofs: list[Proof]) -> list[Authenticator]:
    """List what the identity provider could show again: what it vouched for in this session."""
    if row.kind == SessionRow.Kind.OWN:
        return []
    return [
        Authenticator(
            method=proof.method,
            authenticator=proof.authenticator,
            factor_kind=proof.factor_kind,
            issuer=proof.issuer,
        )
        for proof in proofs
        if proof.scope == SESSION_WIDE and proof.issuer == row.issuer
    ]
