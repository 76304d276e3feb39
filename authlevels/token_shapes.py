"""What tokens are made of, on the way from what was confirmed to what is written."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from authlevels.public_ids import session_handle
from tiergate import ProofScope, ServiceFact, Target
from tiergate.tokens import Claims


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a token rests on: a live elevation, or what others have agreed that a service may do.

    scope: what its proofs count for. target: what was confirmed, on ``resource``. fields: the bound properties that
    were. claim: under what name the one use of a transaction's elevation is the token's; "" for any other.
    environment: where it was asked for; None where nobody said.
    again: the token that this very request was given before, and is given once more.
    service: who asks in its own name, and what its credential may; None for a person.
    """

    tenant_id: UUID
    subject: tuple[str, str]
    scope: ProofScope
    target: Target
    resource: tuple[str, str]
    fields: dict[str, Any]
    environment: str | None
    expires_at: datetime
    claim: str
    elevation_id: UUID | None = None
    session_id: UUID | None = None
    approval_id: UUID | None = None
    service: ServiceFact | None = None
    again: UUID | None = None

    @property
    def session(self) -> str | None:
        """The handle of the session; None for a service."""
        return None if self.session_id is None else session_handle(self.session_id)


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
