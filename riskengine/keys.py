"""Where in Valkey a tenant's risk lies. In braces what a cluster parts keys by: a script's keys are all of one tenant."""

from collections.abc import Sequence
from hashlib import blake2b
from uuid import UUID

from django.conf import settings

from riskengine.subjects import Subject


def who(subject: Subject) -> str:
    """Name a person within their tenant."""
    return blake2b("\x00".join(subject).encode("utf-8", "replace"), digest_size=16).hexdigest()


def person_keys(tenant_id: UUID, subject: Subject) -> tuple[str, str, str]:
    """Name where a person's profile lies, what was taught since, and what failed for them."""
    place = f"{_of(tenant_id)}:{who(subject)}"
    return f"{place}:state", f"{place}:taught", f"{place}:failed"


def network_key(tenant_id: UUID, network: str | None) -> str:
    """Name where lies what failed on a network."""
    return f"{_of(tenant_id)}:network:{network or ''}"


def session_key(tenant_id: UUID, session_id: UUID | None) -> str:
    """Name where lies what a session risks."""
    return f"{_of(tenant_id)}:session:{session_id.hex if session_id else ''}"


def reading_keys(tenant_id: UUID, subject: Subject, network: str | None, session_id: UUID | None) -> Sequence[str]:
    """Name all that an assessment reads."""
    return (*person_keys(tenant_id, subject), network_key(tenant_id, network), session_key(tenant_id, session_id))


def stream_key() -> str:
    """Name the stream of first sights."""
    return f"{settings.VALKEY_PREFIX}:risk:seen"


def _of(tenant_id: UUID) -> str:
    return f"{settings.VALKEY_PREFIX}:risk:{{{tenant_id.hex}}}"
