"""What is usual for people at large: a tenant's, mixed with the whole platform's while the tenant is small."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Self

from msgspec import Struct

from riskengine.seen import CHAINS, Seen

# Each person has devices of their own: how many others have one says nothing.
NOT_SHARED: Final = frozenset({"device", "device_use"})
PRIOR: Final[Mapping[str, float]] = {
    "network": 0.01,
    "asn": 0.05,
    "country": 0.05,
    "browser": 0.1,
    "family": 0.2,
    "system": 0.2,
    "network_class": 0.2,
    "hour": 1 / 24,
    "device": 0.001,
    "device_use": 0.5,
}
"""The share of one value of which nothing is known yet, by feature."""
# How many people's word that is worth.
_PRIOR_WORTH: Final = 4.0
_NONE: Final[Mapping[str, float]] = {}
_TENANT_HALF: Final = 30.0
"""So many people under a coarser value, and a tenant's own shares count as much as the platform's."""


HOURS_BESIDE: Final = ((-2, 0.1), (-1, 0.2), (0, 0.4), (1, 0.2), (2, 0.1))
"""How an hour is smoothed over those beside it."""


class Counts(Struct, frozen=True, kw_only=True):
    """How many people each value was seen with.

    people: by feature, then by the coarser value that it was seen under (``""`` where there is none), then by value. One person
    counts once for a value, however often they come: nobody makes a value common alone.
    totals: the sums by feature and coarser value.
    """

    people: Mapping[str, Mapping[str, Mapping[str, float]]] = {}
    totals: Mapping[str, Mapping[str, float]] = {}

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str, str, float]]) -> Self:
        """Make counts of rows (feature, coarser value, value, people). Hours are smoothed over those beside them."""
        people: dict[str, dict[str, dict[str, float]]] = {}
        for feature, given, value, number in rows:
            values = people.setdefault(feature, {}).setdefault(given, {})
            spread = HOURS_BESIDE if feature == "hour" else ((0, 1.0),)
            for off, part in spread:
                name = str((int(value) + off) % 24) if feature == "hour" else value
                values[name] = values.get(name, 0.0) + number * part
        totals = {
            feature: {given: sum(values.values()) for given, values in by.items()} for feature, by in people.items()
        }
        return cls(people=people, totals=totals)

    def share(self, feature: str, value: str, given: str, *, prior: float) -> float:
        """Give the share of people under the coarser value who have this one, where `prior` is what is thought without any."""
        total = self.totals.get(feature, _NONE).get(given)
        if total is None:
            return prior
        return (self.people[feature][given].get(value, 0.0) + _PRIOR_WORTH * prior) / (total + _PRIOR_WORTH)

    def total(self, feature: str, given: str) -> float:
        """Give how many people were counted under the coarser value."""
        return self.totals.get(feature, _NONE).get(given, 0.0)


NOBODY_COUNTED: Final = Counts()


class Population(Struct, frozen=True, kw_only=True):
    """What one tenant's people are compared with: its own counts, and those of all tenants together."""

    tenant: Counts = NOBODY_COUNTED
    platform: Counts = NOBODY_COUNTED

    def share(self, feature: str, value: str, *, given: str | None = None) -> float:
        """Give the share of people who have this value among those who have the coarser one; never 0, at most 1.

        The tenant's word counts n/(n + 30), where n people of it were seen under the coarser value.
        """
        prior = PRIOR[feature]
        if feature in NOT_SHARED:
            return prior
        under = given or ""
        of_platform = self.platform.share(feature, value, under, prior=prior)
        people = self.tenant.totals.get(feature, _NONE).get(under)
        if not people:
            return of_platform
        of_tenant = (self.tenant.people[feature][under].get(value, 0.0) + _PRIOR_WORTH * prior) / (
            people + _PRIOR_WORTH
        )
        own = people / (people + _TENANT_HALF)
        return own * of_tenant + (1.0 - own) * of_platform


NOBODY: Final = Population()


def list_counted(seen: Seen) -> Iterator[tuple[str, str, str]]:
    """List what one observation counts as in a population: (feature, coarser value or ``""``, value)."""
    for _chain, features in CHAINS:
        values = [(feature, value) for feature in features if (value := seen.value(feature)) is not None]
        for place, (feature, value) in enumerate(values):
            if feature not in NOT_SHARED:
                yield feature, (values[place + 1][1] if place + 1 < len(values) else ""), value
