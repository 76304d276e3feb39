"""What a decision may know of a session: its live proofs, its use, and what could be shown."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec

from authlevels.authenticators import KnownApp, KnownPasskey, authenticators_of
from authlevels.batches import batch_scope
from authlevels.models import SessionRow
from authlevels.public_ids import parse_session_handle, session_handle
from isolation.api import tenant_row
from tiergate import (
    OWN_ISSUER,
    SESSION_WIDE,
    Activity,
    Authenticator,
    Band,
    FactorKind,
    Level,
    Proof,
    ProofScope,
    Scope,
    SessionFacts,
    SessionState,
    Target,
    elevation_scope,
)

SESSION_COLUMN: Final = "authlevels_session_known(%s, %s, %s, %s, %s)"
"""For `isolation.api.tenant_row`, with ``session_parameters``; what it gives is for ``read_session``."""


class _Elevation(msgspec.Struct):
    id: UUID
    scope: Scope
    action: str
    resource_type: str
    resource_id: str
    binding: str
    expires_at: datetime
    used_at: datetime | None
    used_by: str
    uses_allowed: int
    uses: int
    batch: dict[str, Any] | None

    def is_unused(self, request_id: str) -> bool:
        """Say whether it may still be used by this request; of a batch, its scope says for what."""
        return self.batch is not None or self.used_at is None or (request_id != "" and self.used_by == request_id)


class _Proof(msgspec.Struct):
    challenge_id: UUID | None
    elevation_id: UUID | None
    method: str
    at: datetime
    issuer: str
    authenticator: str
    factor_kind: str
    phishing_resistant: bool
    user_verified: bool
    device_bound: bool
    ceiling: str


class _Found(msgspec.Struct):
    user_id: UUID
    is_active: bool
    has_password: bool
    kind: str
    issuer: str
    expires_at: datetime
    revoked_at: datetime | None
    last_seen_at: datetime
    aal2_since: datetime | None
    aal3_since: datetime | None
    impersonator: str
    enrolment_due: datetime | None
    created_at: datetime
    riskier_since: datetime | None
    risk_band: Band
    risk_version: int
    apps: list[KnownApp]
    passkeys: list[KnownPasskey]
    elevations: list[_Elevation]
    proofs: list[_Proof]


class _State(msgspec.Struct):
    standing: str
    session: _Found | None


class SeenSession(msgspec.Struct, frozen=True):
    """A session as it was at one instant.

    standing: of its tenant at that instant, as `authlevels.standing.standing_of` tells it; "" where none was read.
    enrolment_due: from then on the level that the plan asks for is asked of the person everywhere, if they cannot reach it.
    risk_band: the riskiest that it has looked since its person last confirmed; ``unknown`` where nothing was seen.
    risk_version: of what it was seen to risk; 0 where nothing was.
    """

    facts: SessionFacts
    standing: str
    enrolment_due: datetime | None = None
    risk_band: Band = "unknown"
    risk_version: int = 0


class RecordedProof(Protocol):
    """A recorded act, from wherever it was read."""

    method: str
    at: datetime
    issuer: str
    authenticator: str
    factor_kind: str
    phishing_resistant: bool
    user_verified: bool
    device_bound: bool
    ceiling: str


_decode = msgspec.json.Decoder(_State).decode


def session_facts(
    *,
    tenant_id: UUID,
    session: str | UUID,
    subject: tuple[str, str],
    at: datetime,
    request_id: str = "",
) -> SessionFacts:
    """Gather what a decision may know of a session at an instant; the arguments are those of `see_session`."""
    return see_session(tenant_id=tenant_id, session=session, subject=subject, at=at, request_id=request_id).facts


def see_session(
    *,
    tenant_id: UUID,
    session: str | UUID,
    subject: tuple[str, str],
    at: datetime,
    request_id: str = "",
) -> SeenSession:
    """Gather what is known of a session at an instant.

    session: its handle or id. One of another tenant or subject is ``unknown``, as is garbage.
    request_id: a one-use elevation that this very request has claimed still counts for it.
    """
    handle = session if isinstance(session, str) else session_handle(session)
    parameters = session_parameters(tenant_id=tenant_id, session=handle, subject=subject, at=at)
    if parameters is None:
        return SeenSession(SessionFacts(handle=handle, state=SessionState.UNKNOWN), "")
    (found,) = tenant_row(tenant_id, SESSION_COLUMN, parameters)
    return read_session(found, handle=handle, at=at, request_id=request_id)


def session_parameters(*, tenant_id: UUID, session: str, subject: tuple[str, str], at: datetime) -> list[Any] | None:
    """List what ``SESSION_COLUMN`` is called with; None for a handle that can be nobody's."""
    session_id = parse_session_handle(session)
    return None if session_id is None else [tenant_id, session_id, subject[0], subject[1], at]


def read_session(found: str | None, *, handle: str, at: datetime, request_id: str = "") -> SeenSession:
    """Judge what ``SESSION_COLUMN`` has found at an instant; nothing found is an unknown session."""
    if found is None:
        return SeenSession(SessionFacts(handle=handle, state=SessionState.UNKNOWN), "")
    state = _decode(found)
    facts = _judged(state.session, handle=handle, at=at, request_id=request_id)
    if state.session is None:
        return SeenSession(facts, state.standing)
    found_of = state.session
    return SeenSession(facts, state.standing, found_of.enrolment_due, found_of.risk_band, found_of.risk_version)


def _judged(row: _Found | None, *, handle: str, at: datetime, request_id: str) -> SessionFacts:
    if row is None:
        return SessionFacts(handle=handle, state=SessionState.UNKNOWN)
    if row.revoked_at is not None or not row.is_active:
        return SessionFacts(handle=handle, state=SessionState.REVOKED)
    if row.expires_at <= at:
        return SessionFacts(handle=handle, state=SessionState.EXPIRED)
    enrolled = authenticators_of(
        row.user_id, has_password=row.has_password, apps=row.apps, passkeys=row.passkeys, at=at
    )
    proofs = [proof for proof in _live_proofs(row, request_id=request_id) if _still_stands(proof, enrolled)]
    return SessionFacts(
        handle=handle,
        state=SessionState.LIVE,
        proofs=tuple(proofs),
        activity=Activity(
            last_seen_at=row.last_seen_at,
            aal2_since=row.aal2_since,
            aal3_since=row.aal3_since,
            riskier_since=row.riskier_since,
        ),
        # Nobody shows a factor for another: what the person has enrolled is not there for support.
        enrolled=() if row.impersonator else (*enrolled, *_of_provider(row, proofs)),
        expires_at=row.expires_at,
        impersonated_by=row.impersonator,
        started_at=row.created_at,
    )


def _still_stands(proof: Proof, enrolled: tuple[Authenticator, ...]) -> bool:
    """Say whether what gave a proof is still the person's; a factor that was removed proves nothing further."""
    return proof.issuer != OWN_ISSUER or any(one.authenticator == proof.authenticator for one in enrolled)


def proof_of(row: RecordedProof, scope: ProofScope) -> Proof:
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
        ceiling=Level(row.ceiling) if row.ceiling else None,
    )


def _scope_of(elevation: _Elevation, request_id: str) -> ProofScope:
    """Return what the proofs of an elevation count for."""
    if elevation.batch is not None:
        return batch_scope(
            elevation.batch,
            action=elevation.action,
            left=elevation.uses_allowed - elevation.uses,
            until=elevation.expires_at,
            request_id=request_id,
        )
    target = Target(
        action=elevation.action,
        resource=f"{elevation.resource_type}/{elevation.resource_id}",
        binding=elevation.binding,
    )
    return elevation_scope(elevation.scope, target, until=elevation.expires_at)


def _live_proofs(row: _Found, *, request_id: str) -> Iterable[Proof]:
    scopes = {one.id: _scope_of(one, request_id) for one in row.elevations if one.is_unused(request_id)}
    for proof in row.proofs:
        if proof.challenge_id is None:
            yield proof_of(proof, SESSION_WIDE)
        elif proof.elevation_id in scopes:
            yield proof_of(proof, scopes[proof.elevation_id])


def _of_provider(row: _Found, proofs: list[Proof]) -> list[Authenticator]:
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
