"""Tunes the made-up world until the reference scorer asks people about as often as it did real ones."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from bench.risk_world import replay
from bench.risk_world.measures import Scored, asked, threshold
from bench.risk_world.people import Visit, World
from bench.risk_world.published import ASKED, FIRST, distance
from bench.risk_world.year import year

_TRIED: Final[Mapping[str, tuple[float, ...]]] = {
    "churn": (0.05, 0.1, 0.2),
    "naive_home": (0.0, 0.001, 0.003, 0.01),
    "vpn_near": (0.0, 0.005, 0.02),
    "targeted_near": (0.0, 0.005, 0.02),
    "current": (0.0, 0.1, 0.3),
}

Medians = Mapping[str, Mapping[float, tuple[float, float]]]


def medians(visits: list[Visit]) -> Medians:
    """Give the reference's medians, as they were published."""
    scored = [Scored(visit.person, before + 1, visit.attack, risk) for visit, before, risk in replay.by_freeman(visits)]
    own = [visit for visit in scored if not visit.attack]
    found: dict[str, dict[float, tuple[float, float]]] = {}
    for kind, rates in ASKED.items():
        attacks = [visit.score for visit in scored if visit.attack == kind and visit.score is not None]
        found[kind] = {}
        for rate in rates:
            cutoff = threshold(attacks, rate=rate)
            twelve, more = (asked(own, cutoff, first=first) or 0.0 for first in FIRST)
            found[kind][rate] = (twelve, more)
    return found


def tuned(world: World, *, seed: int, rounds: int, tell: Callable[[str], None]) -> World:
    """Try each number of the world in turn, and keep what brings the reference nearest to what was published."""

    def far(tried: World) -> float:
        return distance(medians(year(tried, seed=seed, is_stolen_too=False)))[1]

    best = far(world)
    tell(f"the reference is {best:.2f} doublings off at first")
    for _ in range(rounds):
        before = best
        for name, values in _TRIED.items():
            for value in values:
                change: dict[str, Any] = {name: value}
                if getattr(world, name) == value:
                    continue
                found = far(replace(world, **change))
                if found < best - 0.005:
                    best, world = found, replace(world, **change)
        tell(f"{best:.2f} doublings off with {', '.join(f'{name} {getattr(world, name)}' for name in _TRIED)}")
        if best > before - 0.01:
            break
    return world
