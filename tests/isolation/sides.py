"""The shape of the two tenants and of what is known of them."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(kw_only=True)
class Side:
    """One tenant with a live thing of every kind; what is secret of it is kept here."""

    slug: str
    tenant_id: UUID
    key: str
    owner: str
    person: str
    role: str
    secret: str = ""
    session: str = ""
    decision: str = ""
    challenge: str = ""
    handed_off: str = ""
    handoff: str = ""
    passed: str = ""
    elevation: str = ""
    suspended: str = ""
    redeemable: str = ""
    code: str = ""
    approval: str = ""
    names: dict[str, list[str]] = field(default_factory=dict)


@dataclass(kw_only=True)
class World:
    """Acme, who attacks, and Globex; of Globex every name, and the ghost of each."""

    acme: Side
    globex: Side
    ghosts: dict[str, str] = field(default_factory=dict)
    marks: tuple[str, ...] = ()
    by_length: tuple[tuple[str, str], ...] = ()
    """Each thing with its ghost, the longest first: one may be part of another's name."""
