"""Tokens: what an elevation is good for, handed on for minutes to services that cannot ask us, and taken back with it.

What may be in one is judged by the room above, which decides; this one knows what it rests on, and writes it.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

import audit.api
from authlevels.challenges import Presenter
from authlevels.elevations import record_use, unended_elevations, usable_elevations
from authlevels.errors import ElevationGone, ElevationNotFound
from authlevels.models import Challenge, Elevation, SessionRow, Token
from authlevels.models.people import ACCOUNT
from authlevels.public_ids import parse_elevation_ref, parse_token_ref, session_handle, token_ref
from authlevels.signing_keys import TOKEN_LIVES, Signer, published_keys
from authlevels.token_ends import record_scope
from isolation.api import tenant_transaction
from tiergate import Facts, ProofScope, Scope, Target, Verb, elevation_scope
from tiergate.tokens import Claims, TokenRefused, read_issued


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a token rests on: a live elevation.

    scope: what its proofs count for. target: what was confirmed, on ``resource``. fields: the bound properties that
    were. claim: under what name the one use of a transaction's elevation is the token's; "" for any other.
    environment: where it was asked for; None where nobody said.
    """

    tenant_id: UUID
    elevation_id: UUID
    session_id: UUID
    subject: tuple[str, str]
    scope: ProofScope
    target: Target
    resource: tuple[str, str]
    fields: dict[str, Any]
    environment: str | None
    expires_at: datetime
    claim: str

    @property
    def session(self) -> str:
        """The handle of the session."""
        return session_handle(self.session_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSpec:
    """What is to be in a token.

    issuer: our own address. tenant: its slug. shown: the claims ``acr``, ``amr`` and ``auth_time``.
    because: for the trail: by what it was decided.
    """

    issuer: str
    audience: str
    tenant: str
    scopes: tuple[str, ...]
    shown: dict[str, Any]
    because: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """A token in clear, which is kept nowhere. id: its ``jti``."""

    id: str
    clear: str
    scopes: tuple[str, ...]
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldToken:
    """A token that was issued, and what it rests on: None once that is over, and then ``why_not`` says why."""

    tenant_id: UUID
    token_id: UUID
    claims: Claims
    ground: Ground | None = None
    why_not: str = ""


def get_ground(*, ref: str, presenter: Presenter, at: datetime) -> Ground:
    """Lock what a token is to rest on, within a transaction of its tenant; a transaction's one use is the token's.

    ref: ``elv_…``. Its own session may take a token; for a session that a product vouched for, a credential with
    ``step_up.create``. Never somebody who acts as another.
    :raises ElevationNotFound: there is none for this caller.
    :raises ElevationGone: it was used, has ended or expired, or is for several uses.
    """
    ids = parse_elevation_ref(ref)
    if ids is None:
        raise ElevationNotFound("There is no such elevation.")
    tenant_id, elevation_id = ids
    row = Elevation.objects.select_for_update().filter(tenant_id=tenant_id, id=elevation_id).first()
    session = SessionRow.objects.filter(tenant_id=tenant_id, id=row.session_id).first() if row else None
    if row is None or session is None or not _may_take(session, presenter):
        raise ElevationNotFound("There is no such elevation.")
    claim = ""
    usable = usable_elevations(tenant_id, at=at).filter(id=elevation_id, used_at__isnull=True, uses_allowed=1)
    if row.scope == Scope.TRANSACTION.value:
        # Nobody outside learns this name, so that nobody can claim the same use by it.
        claim = f"token:{uuid4().hex}"
        if not usable.update(used_at=at, used_by=claim):
            raise ElevationGone("The elevation was used, has ended, or has expired.")
        record_use(tenant_id, elevation_id, "token", at=at)
    elif not usable.exists():
        raise ElevationGone("The elevation was used, has ended, or has expired.")
    return _ground(row, session, claim=claim)


def issue_token(*, ground: Ground, spec: TokenSpec, signer: Signer, presenter: Presenter, at: datetime) -> IssuedToken:
    """Write a token that rests on ``ground``, within the transaction that has locked it, and tell the trail.

    It ends with the elevation, and after five minutes at the latest.

    :raises ElevationGone: not a second is left.
    """
    # Whole seconds, downwards: what the token says never outlasts what the elevation does.
    issued_at = at.replace(microsecond=0)
    expires_at = min(issued_at + TOKEN_LIVES, ground.expires_at.replace(microsecond=0))
    if expires_at <= at:
        raise ElevationGone("The elevation is about to expire.")
    row = Token(
        tenant_id=ground.tenant_id,
        session_id=ground.session_id,
        elevation_id=ground.elevation_id,
        audience=spec.audience,
        scopes=list(spec.scopes),
        kid=signer.kid,
        claim=ground.claim,
        issued_to=presented_by(presenter),
        issued_at=issued_at,
        expires_at=expires_at,
    )
    row.save(force_insert=True)
    ref = token_ref(row.tenant_id, row.id)
    told: dict[str, object] = {"expires_at": expires_at.isoformat(), "because": spec.because, "by": row.issued_to}
    record_scope(audit.api.Kind.SCOPE_RAISED, row, told, at=at)
    claims = {
        "iss": spec.issuer,
        "sub": ":".join(ground.subject),
        "aud": spec.audience,
        "iat": int(issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
        "jti": ref,
        "client_id": row.issued_to,
        "scope": " ".join(spec.scopes),
        "tenant": spec.tenant,
        "sid": ground.session,
        **spec.shown,
        **_narrowing(ground),
    }
    return IssuedToken(id=ref, clear=signer.sign(claims), scopes=spec.scopes, expires_at=expires_at)


def find_token(clear: str, *, issuer: str, at: datetime) -> HeldToken | None:
    """Find what a token rests on; None for one that is none of ours, or is over."""
    try:
        claims = read_issued(clear, keys=published_keys(at=at), issuer=issuer, at=at)
    except TokenRefused:
        return None
    ids = parse_token_ref(claims.jti)
    if ids is None:
        return None
    tenant_id, token_id = ids
    with tenant_transaction(tenant_id):
        row = Token.objects.filter(tenant_id=tenant_id, id=token_id).first()
        return None if row is None else _held(row, claims, at=at)


def _held(row: Token, claims: Claims, *, at: datetime) -> HeldToken:
    held = HeldToken(tenant_id=row.tenant_id, token_id=row.id, claims=claims)
    if row.dropped_at is not None:
        return replace(held, why_not=row.dropped_why)
    session = SessionRow.objects.select_related("user").get(tenant_id=row.tenant_id, id=row.session_id)
    if session.is_over(at):
        return replace(held, why_not="session_ended")
    alive = unended_elevations(row.tenant_id, at=at).filter(id=row.elevation_id)
    elevation = alive.filter(used_by=row.claim).first() if row.claim else alive.first()
    if elevation is None:
        return replace(held, why_not="task_ended")
    return replace(held, ground=_ground(elevation, session, claim=row.claim))


def may_revoke(held: HeldToken, presenter: Presenter) -> bool:
    """Say whether a token is this caller's to take back: its session's, or that of a product of the tenant."""
    if presenter.session is not None:
        own = (presenter.session.tenant_id, presenter.session.handle)
        return own == (held.tenant_id, held.claims.sid)
    credential = presenter.credential
    return credential is not None and credential.reaches(held.tenant_id) and Verb.STEP_UP_CREATE in credential.verbs


def presented_by(presenter: Presenter) -> str:
    """Name a caller as the trail does: ``credential:reports-api`` or ``account:alice``."""
    if presenter.credential is not None:
        return f"credential:{presenter.credential.name}"
    return ":".join(presenter.session.subject) if presenter.session else ""


def _ground(row: Elevation, session: SessionRow, *, claim: str) -> Ground:
    challenge = Challenge.objects.get(tenant_id=row.tenant_id, id=row.challenge_id)
    target = Target(action=row.action, resource=f"{row.resource_type}/{row.resource_id}", binding=row.binding)
    return Ground(
        tenant_id=row.tenant_id,
        elevation_id=row.id,
        session_id=row.session_id,
        subject=(session.subject_type, session.subject_id),
        scope=elevation_scope(Scope(row.scope), target, until=row.expires_at),
        target=target,
        resource=(row.resource_type, row.resource_id),
        fields={one["name"]: one["value"] for one in challenge.display.get("fields", [])},
        environment=_environment(challenge),
        expires_at=min(row.expires_at, session.expires_at),
        claim=claim,
    )


def _environment(challenge: Challenge) -> str | None:
    """Find where the refusal was asked for; None, which asks what the strictest does, where nobody can tell."""
    try:
        entry = audit.api.get_entry(
            tenant_id=challenge.tenant_id, entry_id=challenge.decision_id, kind=audit.api.Kind.DECISION
        )
        return msgspec.convert(entry.payload["facts"], Facts).environment
    except (audit.api.EntryNotFound, KeyError, TypeError, ValueError):
        return None


def _narrowing(ground: Ground) -> dict[str, Any]:
    """List the claims by which a token is good for less than its scopes say."""
    out: dict[str, Any] = {}
    if ground.scope.resource is not None:
        out["resource"] = ground.scope.resource
    if ground.scope.kind == Scope.TRANSACTION:
        out["txn"] = ground.target.binding
    if ground.fields:
        out["bound"] = ground.fields
    if ground.environment is not None:
        out["environment"] = ground.environment
    return out


def _may_take(session: SessionRow, presenter: Presenter) -> bool:
    if session.impersonator:
        return False
    if presenter.session is not None:
        return (presenter.session.tenant_id, presenter.session.id) == (session.tenant_id, session.id)
    credential = presenter.credential
    return (
        credential is not None
        and credential.reaches(session.tenant_id)
        and Verb.STEP_UP_CREATE in credential.verbs
        and session.subject_type != ACCOUNT
    )
