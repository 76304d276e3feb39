"""Who is calling: nobody known, a person in a session, or a service with a credential."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import licensing.api
from authlevels.public_ids import session_handle
from tiergate import Level, ServiceFact


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A live session, as other rooms see it.

    is_own: begun by our own sign-in, so that it has a secret; otherwise vouched for by a product.
    """

    id: UUID
    tenant_id: UUID
    user_id: UUID
    subject_type: str
    subject_id: str
    is_own: bool
    issuer: str
    created_at: datetime
    expires_at: datetime

    @property
    def handle(self) -> str:
        """The public name of the session; proves nothing."""
        return session_handle(self.id)

    @property
    def subject(self) -> tuple[str, str]:
        """Type and id of whom the session is about."""
        return (self.subject_type, self.subject_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A service's key, as other rooms see it: never its secret.

    verbs: what it may do. max_level: the highest level that its word about a sign-in is worth.
    return_to_origins: where a person may be sent back to. answer_style: ``full`` or ``bare``.
    """

    id: UUID
    tenant_id: UUID
    name: str
    verbs: frozenset[str]
    max_level: Level
    return_to_origins: tuple[str, ...]
    answer_style: str

    @property
    def is_vendor(self) -> bool:
        """Whether it belongs to the vendor, and so reaches every tenant."""
        return self.tenant_id == licensing.api.VENDOR_TENANT_ID

    def reaches(self, tenant_id: UUID) -> bool:
        """Say whether it may act in a tenant."""
        return self.is_vendor or self.tenant_id == tenant_id

    def as_fact(self) -> ServiceFact:
        """Tell what is known of the service, where it asks in its own name."""
        return ServiceFact(name=self.name, verbs=tuple(sorted(self.verbs)), id=str(self.id))


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody known: no secret, or one that proves nothing."""


@dataclass(frozen=True, slots=True)
class PersonPrincipal:
    """A person in a session of our own sign-in.

    by_cookie: the browser sent the secret by itself, so that forgery must be ruled out.
    """

    session: Session
    by_cookie: bool = False


@dataclass(frozen=True, slots=True)
class ServicePrincipal:
    """A product's service."""

    credential: Credential


type Principal = Anonymous | PersonPrincipal | ServicePrincipal
