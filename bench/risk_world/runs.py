"""Scores of every visit of every year, by each scorer and by what it is told."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from bench.risk_world import replay
from bench.risk_world.attackers import KINDS
from bench.risk_world.measures import Scored
from bench.risk_world.people import Visit
from riskengine.population import Population
from riskengine.profile import Profile
from riskengine.scoring import score
from riskengine.seen import Seen

FREEMAN: Final = "Freeman"
BARE: Final = "ours, no device token"
FULL: Final = "ours, device token"
LEFT_OUT: Final = "ours, token left out"
BARE_BLIND: Final = "blind, no device token"
FULL_BLIND: Final = "blind, device token"

_YEAR: Final = 10_000_000

Runs = dict[str, list[Scored]]


def scored(years: Sequence[list[Visit]]) -> Runs:
    """Score every visit of every year by each scorer; people of different years are different people.

    `LEFT_OUT`: people show their tokens, and attackers none. `BARE_BLIND`, `FULL_BLIND`: nothing is known of a network but its name.
    """
    runs: Runs = defaultdict(list)
    for number, visits in enumerate(years):
        shift = number * _YEAR
        simple = [visit for visit in visits if visit.attack in ("", *KINDS)]
        for visit, before, risk in replay.by_freeman(simple):
            runs[FREEMAN].append(Scored(visit.person + shift, before + 1, visit.attack, risk))
        _add(runs, BARE, [without_token(visit) for visit in simple], shift)
        _add(runs, BARE_BLIND, [without_token(without_data(visit)) for visit in simple], shift)
        if any(visit.seen.device is not None for visit in visits):
            _add(runs, FULL_BLIND, [without_data(visit) for visit in simple], shift)
            for visit, before, (full, left_out) in replay.by_ours(visits, _with_and_without):
                runs[FULL].append(Scored(visit.person + shift, before + 1, visit.attack, full))
                if not visit.attack or visit.attack in KINDS:
                    runs[LEFT_OUT].append(Scored(visit.person + shift, before + 1, visit.attack, left_out))
    return runs


def by_year(run: Sequence[Scored]) -> Iterator[list[Scored]]:
    """Take the years apart again."""
    years: defaultdict[int, list[Scored]] = defaultdict(list)
    for one in run:
        years[one.person // _YEAR].append(one)
    yield from years.values()


def _add(runs: Runs, name: str, visits: Sequence[Visit], shift: int) -> None:
    for visit, before, found in replay.by_ours(visits, _judge):
        runs[name].append(Scored(visit.person + shift, before + 1, visit.attack, found))


def _judge(visit: Visit, profile: Profile, population: Population) -> float | None:
    return score(visit.seen, profile, population, None, at=visit.at).score


def _with_and_without(visit: Visit, profile: Profile, population: Population) -> tuple[float | None, float | None]:
    """Score a visit as it is, and, where it is an attack, as one that shows no token."""
    full = _judge(visit, profile, population)
    return full, _judge(without_token(visit), profile, population) if visit.attack in KINDS else full


def without_token(visit: Visit) -> Visit:
    """Give the visit as a product would tell of it that passes no device token on."""
    return replace(visit, seen=replace(visit.seen, device=None))


def without_data(visit: Visit) -> Visit:
    """Give the visit as it is seen without maps and lists: of the network its name alone."""
    seen = visit.seen
    known = Seen(
        network=seen.network,
        browser=seen.browser,
        family=seen.family,
        system=seen.system,
        hour=seen.hour,
        device=seen.device,
    )
    return replace(visit, seen=known)
