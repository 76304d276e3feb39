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
_BEYOND: Final = len(_RANKS)


def sensitivity_of(name: str | None, declared: Mapping[str, str]) -> EnvironmentSensitivity | None:
    """Tell how sensitive an environment is; None where nobody says, which counts as the most.

    declared: what the tenant declares, by name; where it declares none at all, the three go by their own names.
    """
    # INVARIANT: where anything is declared, a name that is not is nobody's, even if it reads `development`.
    found = declared.get(name or "") if declared else name
    return EnvironmentSensitivity(found) if found is not None and found in _RANKS else None


def asked_in(
    sensitivity: EnvironmentSensitivity | None, asked: Mapping[str, Requirement]
) -> list[tuple[str, Requirement]]:
    """List what an action asks at a sensitivity, by the name that asks it: all that it asks at lesser ones too.

    asked: by sensitivity; one that is left out asks what the next greater one does. So a greater sensitivity never
    asks less. Without a sensitivity everything is asked, and a name that is none is asked with the strictest.
    """
    ranked = sorted(asked.items(), key=lambda one: (_rank(one[0]), one[0]))
    if sensitivity is None:
        return ranked
    reached = min((_rank(name) for name in asked if _rank(name) >= sensitivity.rank), default=_BEYOND)
    return [(name, requirement) for name, requirement in ranked if _rank(name) <= reached]


def _rank(name: str) -> int:
    return _RANKS.get(name, _BEYOND)
