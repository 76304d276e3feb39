"""Where an action takes place: environments by their sensitivity, each asking at least what every lesser one does."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from tiergate.requirements import Requirement


class EnvironmentSensitivity(StrEnum):
    """How much goes wrong where something goes wrong, least first."""

    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"

    @property
    def rank(self) -> int:
        """Rank the sensitivity: 0 is the least."""
        return _RANKS[self]


_RANKS: Final[Mapping[str, int]] = {one: rank for rank, one in enumerate(EnvironmentSensitivity)}
_BY_NAME: Final[Mapping[str, EnvironmentSensitivity]] = {one.value: one for one in EnvironmentSensitivity}
_BEYOND: Final = len(_RANKS)


def sensitivity_of(name: str | None, declared: Mapping[str, str]) -> EnvironmentSensitivity | None:
    """Tell how sensitive an environment is; None where nobody says, which counts as the most.

    declared: what the tenant declares, by name; where it declares none at all, the three go by their own names.
    """
    # INVARIANT: where anything is declared, a name that is not is nobody's, even if it reads `development`.
    found = declared.get(name or "") if declared else name
    return None if found is None else _BY_NAME.get(found)


def asked_in(
    sensitivity: EnvironmentSensitivity | None, asked: Mapping[str, Requirement]
) -> list[tuple[str, Requirement]]:
    """List what an action asks at a sensitivity, by the name that asks it: all that it asks at lesser ones too.

    asked: by sensitivity; one that is left out asks what the next greater one does. So a greater sensitivity never
    asks less. Without a sensitivity everything is asked, and a name that is none is asked with the strictest.
    """
    ranked = sorted([(_RANKS.get(name, _BEYOND), name) for name in asked])
    reached = _BEYOND
    if sensitivity is not None:
        least = _RANKS[sensitivity]
        reached = next((rank for rank, _ in ranked if rank >= least), _BEYOND)
    return [(name, asked[name]) for rank, name in ranked if rank <= reached]
