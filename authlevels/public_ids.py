"""Ids as the outside sees them: prefixed, and carrying their tenant where it must be known first."""

import re
from functools import lru_cache
from uuid import UUID

_HEX = "[0-9a-f]{32}"
_ONE = re.compile(rf"(ses|dec)_({_HEX})")
_LONGEST = len("ses_") + 32
_TWO = re.compile(rf"(chl|elv|rsm|tok|apr)_({_HEX})({_HEX})")


def session_handle(session_id: UUID) -> str:
    """Return ``ses_<32 hex>``: names a session, proves nothing."""
    return f"ses_{session_id.hex}"


def challenge_ref(tenant_id: UUID, challenge_id: UUID) -> str:
    """Return ``chl_<32 hex tenant><32 hex id>``."""
    return f"chl_{tenant_id.hex}{challenge_id.hex}"


def elevation_ref(tenant_id: UUID, elevation_id: UUID) -> str:
    """Return ``elv_<32 hex tenant><32 hex id>``."""
    return f"elv_{tenant_id.hex}{elevation_id.hex}"


def suspended_ref(tenant_id: UUID, suspended_id: UUID) -> str:
    """Return ``rsm_<32 hex tenant><32 hex id>``."""
    return f"rsm_{tenant_id.hex}{suspended_id.hex}"


def token_ref(tenant_id: UUID, token_id: UUID) -> str:
    """Return ``tok_<32 hex tenant><32 hex id>``, a token's ``jti``."""
    return f"tok_{tenant_id.hex}{token_id.hex}"


def approval_ref(tenant_id: UUID, approval_id: UUID) -> str:
    """Return ``apr_<32 hex tenant><32 hex id>``."""
    return f"apr_{tenant_id.hex}{approval_id.hex}"


def decision_ref(decision_id: UUID) -> str:
    """Return ``dec_<32 hex>``."""
    return f"dec_{decision_id.hex}"


def parse_session_handle(text: str) -> UUID | None:
    """Return the id in a session handle, or None for anything else."""
    return _parse_one("ses", text)


def parse_decision_ref(text: str) -> UUID | None:
    """Return the id in a decision's public id, or None for anything else."""
    return _parse_one("dec", text)


def parse_challenge_ref(text: str) -> tuple[UUID, UUID] | None:
    """Return (tenant id, challenge id), or None for anything else."""
    return _parse_two("chl", text)


def parse_elevation_ref(text: str) -> tuple[UUID, UUID] | None:
    """Return (tenant id, elevation id), or None for anything else."""
    return _parse_two("elv", text)


def parse_suspended_ref(text: str) -> tuple[UUID, UUID] | None:
    """Return (tenant id, id of a request that waits), or None for anything else."""
    return _parse_two("rsm", text)


def parse_token_ref(text: str) -> tuple[UUID, UUID] | None:
    """Return (tenant id, token id), or None for anything else."""
    return _parse_two("tok", text)


def parse_approval_ref(text: str) -> tuple[UUID, UUID] | None:
    """Return (tenant id, approval id), or None for anything else."""
    return _parse_two("apr", text)


def _parse_one(prefix: str, text: str) -> UUID | None:
    # What is too long to be one is not remembered either: callers choose what it says.
    return None if len(text) > _LONGEST else _remembered_one(prefix, text)


@lru_cache(maxsize=4096)
def _remembered_one(prefix: str, text: str) -> UUID | None:
    match = _ONE.fullmatch(text)
    return UUID(match[2]) if match and match[1] == prefix else None


def _parse_two(prefix: str, text: str) -> tuple[UUID, UUID] | None:
    match = _TWO.fullmatch(text)
    return (UUID(match[2]), UUID(match[3])) if match and match[1] == prefix else None
