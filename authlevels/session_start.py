"""Writing down a new session with the proofs that it begins with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import audit.api
from authlevels.bearer import digest, digest_key
from authlevels.models import ProofRow, SessionRow, User
from authlevels.principals import Session
from authlevels.public_ids import session_handle
from authlevels.risk import Look, tell_sign_in
from authlevels.sessions import told
from tiergate import Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a sign-in came from, as far as it is known; the device is the product's own name for it.

    user_agent: "" where the person's program sent none, None where nobody tells.
    device_token: what the device showed as its token; it is not stored with the session.
    """

    ip: str | None = None
    user_agent: str | None = None
    device: str = ""
    device_token: str | None = None


SUPPORT_ISSUER: Final = "tiergate-support"
"""Whose word an impersonated session rests on; no product vouches by this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """Who of the vendor's support acts as the person, as ``type:id``, from which session of their own, and why."""

    actor: str
    session_id: UUID
    reason: str


def start_session(  # noqa: PLR0913 - each is a member of what is recorded
    *,
    tenant_id: UUID,
    user: User,
    issuer: str,
    proofs: Sequence[Proof],
    origin: Origin,
    expires_at: datetime,
    at: datetime,
    secret: str | None = None,
    asserted_by: UUID | None = None,
    support: Support | None = None,
    look: Look | None = None,
) -> Session:
    """Record a session and its session-wide proofs, within a transaction of its tenant.

    support: given where it is not the person who will act. look: how risky it looks, which is told to the engine too.
    """
    kind = SessionRow.Kind.OWN if secret else SessionRow.Kind.ASSERTED
    row = SessionRow.objects.create(
        tenant_id=tenant_id,
        user=user,
        subject_type=user.subject_type,
        subject_id=user.subject_id,
        kind=SessionRow.Kind.IMPERSONATED if support else kind,
        issuer=issuer,
        asserted_by=asserted_by,
        secret_digest=digest(secret) if secret else None,
        digest_key=digest_key() if secret else "",
        created_at=at,
        expires_at=expires_at,
        last_seen_at=at,
        ip=origin.ip,
        user_agent=_storable(origin.user_agent or "", 512),
        device=_storable(origin.device, 255),
        impersonator=support.actor if support else "",
        impersonator_session=support.session_id if support else None,
        impersonated_for=support.reason if support else "",
    )
    ProofRow.objects.bulk_create([proof_row(proof, tenant_id=tenant_id, session_id=row.id) for proof in proofs])
    audit.api.append(
        tenant_id=tenant_id,
        kind=audit.api.Kind.SESSION_STARTED,
        at=at,
        subject=(row.subject_type, row.subject_id),
        session_id=row.id,
        payload={
            "session": session_handle(row.id),
            "kind": str(row.kind),
            "issuer": issuer,
            "asserted_by": str(asserted_by) if asserted_by else None,
            "amr": [proof.method for proof in proofs],
            "expires_at": expires_at.isoformat(),
            **(look.members() if look else {}),
        },
        personal={name: value for name, value in _whence(row).items() if value},
    )
    if look is not None:
        tell_sign_in(tenant_id, (row.subject_type, row.subject_id), row.id, look, proofs, at=at)
    return told(row)


def _whence(row: SessionRow) -> dict[str, str | None]:
    return {"ip": row.ip, "user_agent": row.user_agent, "device": row.device}


def proof_row(proof: Proof, *, tenant_id: UUID, session_id: UUID, challenge_id: UUID | None = None) -> ProofRow:
    """Return the row that records an act of authentication, not yet saved."""
    return ProofRow(
        tenant_id=tenant_id,
        session_id=session_id,
        challenge_id=challenge_id,
        method=proof.method,
        at=proof.at,
        issuer=proof.issuer,
        authenticator=proof.authenticator,
        factor_kind=proof.factor_kind.value,
        phishing_resistant=proof.phishing_resistant,
        user_verified=proof.user_verified,
        device_bound=proof.device_bound,
        ceiling=proof.ceiling.value if proof.ceiling else "",
    )


def _storable(text: str, length: int) -> str:
    return text.replace("\x00", "")[:length]
