"""Lives through a year, visit by visit: every attempt is scored by what was known before it, and the people's own are learned."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from bench.risk_world.people import Visit
from riskengine import freeman
from riskengine.learning import learned, rebased
from riskengine.population import Counts, Population, list_counted
from riskengine.profile import Profile

REFRESHED: Final = timedelta(days=7)
"""How old a population's snapshot may be."""
_REBASED: Final = timedelta(days=180)


class Crowd:
    """Counts for how many people each value was seen with, and gives snapshots of it, as the product's tasks do."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, str, str, str]] = set()
        self._people: defaultdict[tuple[str, str, str], float] = defaultdict(float)
        self._due = datetime.min.replace(tzinfo=UTC)
        self.population = Population()

    def add(self, visit: Visit) -> None:
        """Count a sign-in of somebody's own: once for each value that is new with them."""
        for feature, given, value in list_counted(visit.seen):
            if (visit.person, feature, given, value) not in self._seen:
                self._seen.add((visit.person, feature, given, value))
                self._people[feature, given, value] += 1.0
        if visit.at >= self._due:
            self._due = visit.at + REFRESHED
            counts = Counts.of((*row, people) for row, people in self._people.items())
            self.population = Population(tenant=counts, platform=counts)


TRUST: Final = 0.25
"""How much each sign-in is trusted in the made-up years: as one that nobody was asked about."""


def by_freeman(visits: Iterable[Visit]) -> Iterator[tuple[Visit, int, float | None]]:
    """Score each visit by the reference; what nothing is known of has no score. Gives how many sign-ins were before, too."""
    everybody = freeman.History()
    people: defaultdict[int, freeman.History] = defaultdict(freeman.History)
    for visit in visits:
        person = people[visit.person]
        risk = freeman.as_studied(visit.login, person, everybody, users=len(people)) if person.number else None
        yield visit, person.number, risk
        if not visit.attack:
            person.add(visit.login)
            everybody.add(visit.login)


def by_ours[T](
    visits: Iterable[Visit], judge: Callable[[Visit, Profile, Population], T]
) -> Iterator[tuple[Visit, int, T]]:
    """Judge each visit by a profile that learns each sign-in of the person's own, trusted by `TRUST`."""
    crowd = Crowd()
    people: dict[int, Profile] = {}
    for visit in visits:
        profile = people.get(visit.person) or Profile(epoch=visit.at)
        yield visit, profile.times, judge(visit, profile, crowd.population)
        if not visit.attack:
            if visit.at - profile.epoch > _REBASED:
                profile = rebased(profile, at=visit.at)
            people[visit.person] = learned(profile, visit.seen, weight=TRUST, at=visit.at)
            crowd.add(visit)
