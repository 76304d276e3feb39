"""Secrets that carry their tenant in clear, so that it is known before any row is read.

Only a keyed digest is stored: a copy of the table signs nobody in.
"""

import re
import secrets
from enum import StrEnum
from uuid import UUID

from isolation.api import key_ids, keyed_digests

_SHAPE = re.compile(r"(tgs|tgk)_([0-9a-f]{32})_[A-Za-z0-9_-]{43}")


class BearerKind(StrEnum):
    """Whose secret it is."""

    SESSION = "tgs"
    CREDENTIAL = "tgk"


def mint(kind: BearerKind, tenant_id: UUID) -> str:
    """Return a new secret of 256 random bits."""
    return f"{kind.value}_{tenant_id.hex}_{secrets.token_urlsafe(32)}"


def tenant_of(kind: BearerKind, clear: str) -> UUID | None:
    """Return the tenant that a secret names, or None when it is no secret of that kind."""
    match = _SHAPE.fullmatch(clear)
    return UUID(match[2]) if match and match[1] == kind.value else None


def digest(clear: str) -> bytes:
    """Return the digest to store."""
    return keyed_digests("bearer", clear)[0]


def digest_key() -> str:
    """Name the key that ``digest`` is made with."""
    return key_ids()[0]


def digests(clear: str) -> list[bytes]:
    """Return the digests under which a secret may be stored, newest key first."""
    return keyed_digests("bearer", clear)
