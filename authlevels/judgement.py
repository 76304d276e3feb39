"""What became of something that was shown to a challenge."""

from dataclasses import dataclass, field
from typing import Any

from audit.api import Kind
from tiergate import Authenticator, TiergateError


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """Something else that the trail is told, such as that the factor cannot be used any more."""

    kind: Kind
    told: dict[str, Any]
    personal: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """It was right. authenticator: as it was really shown, which may be less than it could show."""

    authenticator: Authenticator
    told: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """It was not. why: a word for the trail. error: what its presenter may see, raised once all is recorded."""

    why: str
    error: TiergateError
    attempts_left: int = 0
    asides: tuple[Aside, ...] = ()
