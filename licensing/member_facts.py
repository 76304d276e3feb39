"""A member as a decision reads one: in one call, with nothing that only pages show, and the version that it is of."""

from typing import Any, Final
from uuid import UUID

import msgspec

from licensing import names
from licensing.holdings import Generations

MEMBER_COLUMN: Final = "licensing_member_state(%s, %s, %s)"
"""For `isolation.api.tenant_row`, with ``member_parameters``; what it gives is for ``read_member``."""


class MemberFacts(msgspec.Struct, frozen=True):
    """A membership: the keys of its roles, and whether it is in force."""

    roles: tuple[str, ...]
    is_active: bool


class MemberState(msgspec.Struct, frozen=True):
    """Who was a member at one instant, and the counters of that instant.

    member: None for no member.
    """

    catalogue: int
    tenant: int
    member: MemberFacts | None

    @property
    def version(self) -> str:
        """Name the snapshot that stood at that instant."""
        return str(Generations(self.catalogue, self.tenant))


_decode = msgspec.json.Decoder(MemberState).decode


def member_parameters(*, tenant_id: UUID, subject_type: str, subject_id: str) -> list[Any] | None:
    """List what ``MEMBER_COLUMN`` is called with; None for a subject that cannot exist at all."""
    return [tenant_id, subject_type, subject_id] if names.is_subject(subject_type, subject_id) else None


def read_member(found: str) -> MemberState:
    """Read what ``MEMBER_COLUMN`` has found."""
    return _decode(found)
