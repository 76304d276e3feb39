"""The catalogue that both sides decide from: 20 types of resource with 10 actions each, so 200 rules.

Each action needs a feature of its own. Whether it is allowed depends on a role, on what the tenant's plan has, on how
sure the product is of the person, on how long ago they proved it and, for every second one, on the environment.
What differs from action to action is spelled out here once, as plain values; `bench.seed_large` writes it as our
catalogue, `bench.cerbos_policies` as Cerbos's policies.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

KINDS = 20
ACTIONS_OF_A_KIND = 10
PLANS = ("business", "enterprise")
ENVIRONMENTS = ("production", "staging")

HALF_A_DAY = 12 * 3600
FIVE_MINUTES = 300
# How long before the run its people proved who they are: longer ago than five minutes, whatever the run takes.
PROVED_BEFORE = 600


class Class(StrEnum):
    """What an action is, and so how it is answered here."""

    ROUTINE = "routine"
    PREMIUM = "premium"
    REGULATED = "regulated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one action asks.

    level: 1 or 2, of the session. max_age: seconds since that level was proved.
    production_age: as max_age, in production only; None where the environment does not matter.
    """

    kind: int
    action: str
    feature: str
    role: str
    of: Class
    level: int
    max_age: int
    production_age: int | None

    @property
    def resource_type(self) -> str:
        """Name the type of resource."""
        return f"dossier{self.kind:02}"


def list_rules() -> Iterator[Rule]:
    """List all 200, by kind."""
    for kind in range(KINDS):
        for number in range(ACTIONS_OF_A_KIND):
            of = _class_of(number)
            yield Rule(
                kind=kind,
                action=f"dossier{kind:02}.do{number}",
                feature=f"dossier{kind:02}.feature{number}",
                role=role_of(kind),
                of=of,
                level=1 if of == Class.ROUTINE else 2,
                max_age=FIVE_MINUTES if of == Class.REGULATED else 2 * HALF_A_DAY,
                production_age=HALF_A_DAY if number % 2 == 0 else None,
            )


def role_of(kind: int) -> str:
    """Name the role that may act on a type of resource."""
    return f"clerk{kind:02}"


def _class_of(number: int) -> Class:
    if number < 5:  # noqa: PLR2004 - of ten, five are routine, three premium, two regulated
        return Class.ROUTINE
    return Class.PREMIUM if number < 8 else Class.REGULATED  # noqa: PLR2004 - as above
