"""How many people have each value: counted from profiles, in parts that are put together, and for all tenants without telling theirs."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from riskengine.learning import fade
from riskengine.population import NOT_SHARED, Counts
from riskengine.seen import CHAINS
from riskengine.stored import Stored

LEAST_WORTH: Final = 2**-4
"""What somebody did longer ago than this is worth, they do no longer."""
MOST_OF_PART: Final = 8_192
MOST_OF_TENANT: Final = 4_096
"""How many values of one feature are kept: the most usual. The others are counted together, as what is rare."""
LEAST_TENANTS: Final = 3
"""In so many tenants somebody must have a value, or no other tenant is compared by it: else one could ask what another one's
people have."""
MOST_PEOPLE: Final = 1_000
"""As many people a tenant counts for among all tenants at most, so that none says alone what is usual."""
MOST_OF_PLATFORM: Final = 16_384
_MOST_HELD: Final = 400_000

_COUNTED: Final = tuple(feature for _chain, features in CHAINS for feature in features if feature not in NOT_SHARED)


class Tally(Struct):
    """Counts that are being made. values, totals: as of `population.Counts`, before hours are smoothed. people: of how many."""

    people: int = 0
    values: dict[str, dict[str, dict[str, float]]] = {}
    totals: dict[str, dict[str, float]] = {}


encode_tally: Final = msgspec.msgpack.Encoder().encode
decode_tally: Final = msgspec.msgpack.Decoder(Tally).decode


def count_person(tally: Tally, stored: Stored, *, at: datetime) -> None:
    """Count one person: once for each value that they have used of late."""
    profile = stored.profile
    least = LEAST_WORTH / fade(profile, at=at)
    tally.people += 1
    for feature in _COUNTED:
        values = profile.counts.get(feature)
        if not values:
            continue
        under = stored.under.get(feature, {})
        by_given = tally.values.setdefault(feature, {})
        totals = tally.totals.setdefault(feature, {})
        for value, weight in values.items():
            if weight >= least:
                given = under.get(value, "")
                found = by_given.get(given)
                if found is None:
                    found = by_given[given] = {}
                found[value] = found.get(value, 0.0) + 1.0
                totals[given] = totals.get(given, 0.0) + 1.0


def put_together(tallies: Iterable[Tally], *, most: int) -> Tally:
    """Add up what parts have counted."""
    found = Tally()
    for tally in tallies:
        found.people += tally.people
        for feature, given, value, number in _rows(tally.values):
            values = found.values.setdefault(feature, {}).setdefault(given, {})
            values[value] = values.get(value, 0.0) + number
        for feature, by_given in tally.totals.items():
            totals = found.totals.setdefault(feature, {})
            for given, number in by_given.items():
                totals[given] = totals.get(given, 0.0) + number
    leave_out_rare(found, most=most)
    return found


def leave_out_rare(tally: Tally, *, most: int, slack: int = 1) -> None:
    """Keep the most usual values of each feature; all stay in the totals.

    slack: leave a feature as it is until it has so many times as many: who counts page by page need not sort at each.
    """
    for feature, by_given in tally.values.items():
        if sum(map(len, by_given.values())) <= slack * most:
            continue
        found = [(number, given, value) for given, values in by_given.items() for value, number in values.items()]
        kept: dict[str, dict[str, float]] = {}
        # By name where they are as usual, so that whoever counts again keeps the same.
        for number, given, value in sorted(found, key=lambda one: (-one[0], one[1], one[2]))[:most]:
            kept.setdefault(given, {})[value] = number
        tally.values[feature] = kept


def counts_of(tally: Tally) -> Counts:
    """Give counts to compare with."""
    counts = Counts.of(_rows(tally.values))
    # What is rare is left out of the values, and never of the totals. Smoothing moves hours about, and makes no more of them.
    people = {
        feature: {given: counts.people.get(feature, {}).get(given, {}) for given in totals}
        for feature, totals in tally.totals.items()
    }
    return Counts(people=people, totals=tally.totals)


class Platform:
    """Puts tenants' tallies together, one after the other."""

    def __init__(self) -> None:
        self.people = 0
        self._values: dict[tuple[str, str, str], list[float]] = {}
        self._totals: dict[tuple[str, str], list[float]] = {}

    def add(self, tally: Tally) -> None:
        """Add one tenant, as at most `MOST_PEOPLE` people."""
        part = min(1.0, MOST_PEOPLE / max(1, tally.people))
        self.people += min(tally.people, MOST_PEOPLE)
        for feature, given, value, number in _rows(tally.values):
            _note(self._values, (feature, given, value), number * part)
        for feature, by_given in tally.totals.items():
            for given, number in by_given.items():
                _note(self._totals, (feature, given), number * part)
        if len(self._values) > _MOST_HELD:
            # What one tenant alone has had so far is most likely its own.
            self._values = {key: held for key, held in self._values.items() if held[0] > 1}

    def tally(self) -> Tally:
        """Give what people of several tenants have."""
        found = Tally(people=self.people)
        for (feature, given, value), (tenants, number) in self._values.items():
            if tenants >= LEAST_TENANTS:
                found.values.setdefault(feature, {}).setdefault(given, {})[value] = number
        for (feature, given), (tenants, number) in self._totals.items():
            if tenants >= LEAST_TENANTS:
                found.totals.setdefault(feature, {})[given] = number
        leave_out_rare(found, most=MOST_OF_PLATFORM)
        return found


def _note[Key](held: dict[Key, list[float]], key: Key, number: float) -> None:
    found = held.get(key)
    if found is None:
        held[key] = [1, number]
    else:
        found[0] += 1
        found[1] += number


def _rows(values: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Iterator[tuple[str, str, str, float]]:
    for feature, by_given in values.items():
        for given, of_given in by_given.items():
            for value, number in of_given.items():
                yield feature, given, value, number
