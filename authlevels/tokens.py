"""Tokens: what an elevation is good for, handed on for minutes to services that cannot ask us, and taken back with it.

What may be in one is judged by the room above, which decides; this one knows what it rests on, and writes it.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import Q

import audit.api
from authlevels.approvals import shown
from authlevels.challenges import Presenter
from authlevels.elevations import record_use, unended_elevations, usable_elevations
from authlevels.errors import ApprovalClosed, ApprovalNotFound, ElevationGone, ElevationNotFound
from authlevels.models import Approval, Challenge, Elevation, ServiceCredential, SessionRow, Token
from authlevels.models.people import ACCOUNT
from authlevels.public_ids import (
    approval_ref,
    parse_approval_ref,
    parse_elevation_ref,
    parse_token_ref,
    token_ref,
)
from authlevels.signing_keys import TOKEN_LIVES, Signer, published_keys
from authlevels.token_ends import record_scope
from authlevels.token_retries import claim_of, issued_before, refuse_more
from authlevels.token_shapes import Ground, HeldToken, IssuedToken, TokenSpec
from isolation.api import tenant_transaction
from tiergate import Facts, Scope, ServiceFact, Target, Verb, elevation_scope
from tiergate.tokens import Claims, TokenRefused, read_issued


def get_ground(*, ref: str, presenter: Presenter, at: datetime, named: tuple[str, ...] = ()) -> Ground:
    """Lock what a token is to rest on, within a transaction of its tenant; a transaction's one use is the token's.

    named: what tells this request from every other, as for `claim_of`: it has the same use again.
    ref: ``elv_…``. Its own session may take a token; for a session that a product vouched for, a credential with
    ``step_up.create``. Never somebody who acts as another.
    :raises ElevationNotFound: there is none for this caller.
    :raises ElevationGone: it was used, has ended or expired, or is for several uses.
    """
    ids = parse_elevation_ref(ref)
    if ids is None:
        raise ElevationNotFound("There is no such elevation.")
    tenant_id, elevation_id = ids
    row, equal = _locked(tenant_id, elevation_id)
    session = SessionRow.objects.filter(tenant_id=tenant_id, id=row.session_id).first() if row else None
    if row is None or session is None or not _may_take(session, presenter):
        raise ElevationNotFound("There is no such elevation.")
    claim = ""
    unused = usable_elevations(tenant_id, at=at).filter(used_at__isnull=True, uses_allowed=1)
    is_usable = unused.filter(id=elevation_id).exists()
    again = None
    if row.scope == Scope.TRANSACTION.value:
        claim = claim_of(named, presenter=presenter)
        if unended_elevations(tenant_id, at=at).filter(id=elevation_id).exists():
            again = issued_before(row, claim=claim, at=at)
        if again is None and is_usable:
            # All for one binding together, as a call has them: a person confirmed one thing to be done once.
            for one in unused.filter(id__in=equal, scope=row.scope).order_by("id").values_list("id", flat=True):
                Elevation.objects.filter(tenant_id=tenant_id, id=one).update(used_at=at, used_by=claim)
                record_use(tenant_id, one, "token", at=at)
    if again is None and not is_usable:
        raise ElevationGone("The elevation was used, has ended, or has expired.")
    return replace(_ground(row, session, claim=claim), again=again)


def _locked(tenant_id: UUID, elevation_id: UUID) -> tuple[Elevation | None, list[UUID]]:
    """Lock an elevation with the others of its session for the same binding; return it, and the ids of them all."""
    found = Elevation.objects.filter(tenant_id=tenant_id, id=elevation_id).first()
    if found is None:
        return None, []
    same = {"tenant_id": tenant_id, "session_id": found.session_id, "binding": found.binding}
    rows = {row.id: row for row in Elevation.objects.select_for_update().filter(**same).order_by("id")}
    return rows.get(elevation_id), list(rows)


def get_agreed_ground(*, ref: str, presenter: Presenter, at: datetime, named: tuple[str, ...] = ()) -> Ground:
    """Lock what others agreed to for a service, for a token to rest on; a transaction's one use is the token's.

    ref: ``apr_…``. To be called within a transaction of its tenant, whose own credential has asked in its own name.
    named: as for `get_ground`.
    :raises ApprovalNotFound: there is none for this service.
    :raises ApprovalClosed: nobody has agreed yet, or it was refused, used, or has expired; ``state`` says which.
    """
    ids, credential = parse_approval_ref(ref), presenter.credential
    row = None
    if ids is not None and credential is not None and credential.tenant_id == ids[0]:
        mine = Approval.objects.select_for_update().filter(credential_id=credential.id, session_id__isnull=True)
        row = mine.filter(tenant_id=ids[0], id=ids[1]).first()
    if row is None or credential is None or Verb.STEP_UP_CREATE not in credential.verbs:
        raise ApprovalNotFound("There is no such approval for you.")
    stands = shown(row, at=at)
    claim, again = "", None
    if stands.requirement.scope == Scope.TRANSACTION:
        claim = claim_of(named, presenter=presenter)
        if stands.state == "used":
            again = issued_before(row, claim=claim, at=at)
    if stands.state != "approved" and again is None:
        raise ApprovalClosed("It is not agreed to, or no longer.", state=stands.state)
    if claim and again is None:
        _use_agreement(row, claim, at=at)
    return replace(_agreed_ground(row, credential.as_fact(), claim=claim), again=again)


def issue_token(*, ground: Ground, spec: TokenSpec, signer: Signer, presenter: Presenter, at: datetime) -> IssuedToken:
    """Write a token that rests on ``ground``, within the transaction that has locked it, and tell the trail.

    It ends with the elevation, and after five minutes at the latest. One that is given once more ends when it would have.

    :raises ElevationGone: not a second is left.
    :raises TooManyTokens: 32 that rest on the same are alive.
    """
    # Whole seconds, downwards: what the token says never outlasts what the elevation does.
    issued_at = at.replace(microsecond=0)
    expires_at = min(issued_at + TOKEN_LIVES, ground.expires_at.replace(microsecond=0))
    if expires_at <= at:
        raise ElevationGone("The elevation is about to expire.")
    if ground.again is not None:
        row = Token.objects.get(tenant_id=ground.tenant_id, id=ground.again)
        return _written(row, ground=ground, spec=spec, signer=signer)
    row = Token(
        tenant_id=ground.tenant_id,
        session_id=ground.session_id,
        elevation_id=ground.elevation_id,
        approval_id=ground.approval_id,
        audience=spec.audience,
        scopes=list(spec.scopes),
        kid=signer.kid,
        claim=ground.claim,
        issued_to=presented_by(presenter),
        issued_at=issued_at,
        expires_at=expires_at,
    )
    refuse_more(row, at=at)
    row.save(force_insert=True)
    told: dict[str, object] = {"expires_at": expires_at.isoformat(), "because": spec.because, "by": row.issued_to}
    record_scope(audit.api.Kind.SCOPE_RAISED, row, told, at=at)
    return _written(row, ground=ground, spec=spec, signer=signer)


def _written(row: Token, *, ground: Ground, spec: TokenSpec, signer: Signer) -> IssuedToken:
    """Write and sign what a token says."""
    ref = token_ref(row.tenant_id, row.id)
    claims = {
        "iss": spec.issuer,
        "sub": ":".join(ground.subject),
        "aud": spec.audience,
        "iat": int(row.issued_at.timestamp()),
        "exp": int(row.expires_at.timestamp()),
        "jti": ref,
        "client_id": row.issued_to,
        "scope": " ".join(spec.scopes),
        "tenant": spec.tenant,
        **({"sid": ground.session} if ground.session else {}),
        **spec.shown,
        **_narrowing(ground),
    }
    return IssuedToken(id=ref, clear=signer.sign(claims), scopes=spec.scopes, expires_at=row.expires_at)


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
    if row.approval_id is not None:
        return _held_by_agreement(held, row, row.approval_id, at=at)
    if row.session_id is None or row.elevation_id is None:
        return replace(held, why_not="task_ended")
    session = SessionRow.objects.select_related("user").get(tenant_id=row.tenant_id, id=row.session_id)
    if session.is_over(at):
        return replace(held, why_not="session_ended")
    alive = unended_elevations(row.tenant_id, at=at).filter(id=row.elevation_id)
    elevation = alive.filter(used_by=row.claim).first() if row.claim else alive.first()
    if elevation is None:
        return replace(held, why_not="task_ended")
    return replace(held, ground=_ground(elevation, session, claim=row.claim))


def _held_by_agreement(held: HeldToken, row: Token, approval_id: UUID, *, at: datetime) -> HeldToken:
    good = Approval.objects.filter(tenant_id=row.tenant_id, id=approval_id, refused_at__isnull=True, expires_at__gt=at)
    agreed = good.filter(used_by=row.claim).first() if row.claim else good.filter(closed_at__isnull=True).first()
    if agreed is None or agreed.credential_id is None:
        return replace(held, why_not="no_longer_agreed")
    alive = ServiceCredential.objects.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=at),
        tenant_id=row.tenant_id,
        id=agreed.credential_id,
        revoked_at__isnull=True,
    ).first()
    if alive is None:
        return replace(held, why_not="credential_ended")
    service = ServiceFact(name=alive.name, verbs=tuple(sorted(alive.verbs)), id=str(alive.id))
    return replace(held, ground=_agreed_ground(agreed, service, claim=row.claim))


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
        fields=_bound_in(challenge.display),
        environment=_environment(challenge),
        expires_at=min(row.expires_at, session.expires_at),
        claim=claim,
    )


def _agreed_ground(row: Approval, service: ServiceFact, *, claim: str) -> Ground:
    target = Target(action=row.action, resource=f"{row.resource_type}/{row.resource_id}", binding=row.binding)
    return Ground(
        tenant_id=row.tenant_id,
        approval_id=row.id,
        subject=(row.subject_type, row.subject_id),
        # Whatever else was asked: people agreed to exactly this.
        scope=elevation_scope(Scope.TRANSACTION, target, until=row.expires_at),
        target=target,
        resource=(row.resource_type, row.resource_id),
        fields=_bound_in(row.display),
        environment=_environment(row),
        expires_at=row.expires_at,
        claim=claim,
        service=service,
    )


def _bound_in(display: dict[str, Any]) -> dict[str, Any]:
    """Read the bound properties that were shown; where it is to be done is shown too, and has a claim of its own."""
    return {one["name"]: one["value"] for one in display.get("fields", []) if one.get("is_bound", True)}


def _use_agreement(row: Approval, claim: str, *, at: datetime) -> None:
    """Use up every approval of one binding together: people agreed to one thing to be done once."""
    equal = Approval.objects.select_for_update().filter(
        tenant_id=row.tenant_id,
        subject_type=row.subject_type,
        subject_id=row.subject_id,
        binding=row.binding,
        closed_at__isnull=True,
        refused_at__isnull=True,
    )
    for one in equal.order_by("created_at"):
        one.used_at = one.closed_at = at
        one.used_by = claim
        one.save(update_fields=["used_at", "closed_at", "used_by"])
        audit.api.append(
            tenant_id=row.tenant_id,
            kind=audit.api.Kind.APPROVAL_USED,
            at=at,
            subject=(row.subject_type, row.subject_id),
            payload={"approval": approval_ref(row.tenant_id, one.id), "action": one.action, "used_by": "token"},
        )


def _environment(challenge: Challenge | Approval) -> str | None:
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
