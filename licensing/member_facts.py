"""A member as a decision reads one: in one call, with nothing that only pages show."""

from typing import Any, Final
from uuid import UUID

import msgspec

from licensing import names

MEMBER_COLUMN: Final = "licensing_member_facts(%s, %s, %s)"
"""For `isolation.api.tenant_row`, with ``member_parameters``; what it gives is for ``read_member``."""


class MemberFacts(msgspec.Struct, frozen=True):
    """A membership: the keys of its roles, and whether it is in force."""

    roles: tuple[str, ...]
    is_active: bool


_decode = msgspec.json.Decoder(MemberFacts).decode


def member_parameters(*, tenant_id: UUID, subject_type: str, subject_id: str) -> list[Any] | None:
    """List what ``MEMBER_COLUMN`` is called with; None for a subject that cannot exist at all."""
    return [tenant_id, subject_type, subject_id] if names.is_subject(subject_type, subject_id) else None


def read_member(found: str | None) -> MemberFacts | None:
    """Read what ``MEMBER_COLUMN`` has found; None for no member."""
    return None if found is None else _decode(found)
