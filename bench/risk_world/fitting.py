"""Chooses the scorer's parameters on training seeds, one after the other, as long as anything helps.

What is known of each attempt (`scoring.Step`) does not depend on the parameters, so it is looked up once, and a change of one feature's
parameters is worked out again for that feature alone.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from math import log
from typing import Final, NamedTuple

from msgspec.structs import replace

from bench.risk_world import replay
from bench.risk_world.attackers import KINDS, STOLEN
from bench.risk_world.measures import share_from, threshold
from bench.risk_world.people import Visit
from riskengine.evaluators import evaluate
from riskengine.learning import fade
from riskengine.parameters import Level, Parameters
from riskengine.population import Population
from riskengine.profile import Profile
from riskengine.scoring import Step, known_of, list_steps, odds

_DEVICE: Final = ("device", "device_use")
# Within which a number is tried, whatever would help: what is best in a made-up world must not be beside the point in another. An hour
# says little anywhere, and of hosting providers and VPNs many people come, too.
_RANGES: Final = {
    "kappa": (0.005, 16.0),
    "delta": (0.0, 0.5),
    "spread": (0.0, 0.5),
    "least": (-4.0, -0.5),
    "most": (2.0, 6.0),
}
# Who often has a new device, as browsers that forget have, must not pay for each of them in full.
_LEAST_DELTA: Final = {"device": 0.25}
_WEIGHT: Final = (0.25, 1.6)
_WEIGHTS: Final = {"hour": (0.0, 0.4)}
_KINDS: Final = {"tor": (1.0, 1.5, 2.0), "hosting": (0.5, 1.0, 1.5), "vpn": (0.25, 0.5, 1.0)}
_OFTEN: Final = {"weight": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5), "start": (0.25, 0.5, 1.0, 2.0, 4.0)}
_ENOUGH: Final = 0.01
# Whoever comes so often is asked most often by a score that takes a long history for strictness, and counts for themselves.
_MANY, _WORTH_OF_MANY = 39, 0.1
# Stolen tokens are few, and a bound key is what stops them.
_WORTH_OF_STOLEN: Final = 0.3


class Look(NamedTuple):
    """One attempt: what is known of each feature, what evaluators add, and how strange which kind of network is.

    nth: the person's how-manieth sign-in it is, or would be. observations: what is known of the person, in all.
    """

    attack: str
    person: int
    nth: int
    observations: float
    steps: dict[str, Step]
    added: float
    kind: str
    strange: float


def looks(visits: list[Visit]) -> list[Look]:
    """Look up every attempt of a year at somebody with a history."""

    def look(visit: Visit, profile: Profile, population: Population) -> Look | None:
        if not profile.times:
            return None
        now = fade(profile, at=visit.at)
        chains = list_steps(visit.seen, profile, population, now)
        steps = {step.feature: step for _chain, found in chains for step in found}
        known = known_of(visit.seen, profile, now)
        spoken = evaluate(visit.seen, profile, None, at=visit.at, known=known, kinds={})
        added = sum(one.reason.weight for one in spoken)
        return Look(
            attack=visit.attack,
            person=visit.person,
            nth=profile.times + 1,
            observations=profile.total * now,
            steps=steps,
            added=added,
            kind=visit.seen.network_class or "",
            strange=1.0 - known.kind,
        )

    return [look for _visit, _number, look in replay.by_ours(visits, look) if isinstance(look, Look)]


class Fit:
    """Parameters, and how well they do on years that were looked up."""

    def __init__(self, years: list[list[Look]], parameters: Parameters) -> None:
        self.years, self.parameters = years, parameters
        self._many = [_first_of_many(year) for year in years]
        self._columns = [
            {feature: _column(year, feature, level) for feature, level in parameters.levels.items()} for year in years
        ]

    def loss(self, feature: str = "", tried: Parameters | None = None) -> float:
        """Give the loss, with one feature's parameters, or what is not of one feature, changed. Lower is better."""
        total = 0.0
        parameters = tried or self.parameters
        for year, many, known in zip(self.years, self._many, self._columns, strict=True):
            columns = known
            if feature:
                columns = {**known, feature: _column(year, feature, parameters.levels[feature])}
            plain = zip(*(columns[name] for name in columns if name not in _DEVICE), strict=True)
            kinds, often = parameters.kinds, parameters.often
            bare = [
                look.added
                + kinds.get(look.kind, 0.0) * look.strange
                - min(often.most, often.weight * log(1.0 + look.observations / often.start))
                + sum(row)
                for look, row in zip(year, plain, strict=True)
            ]
            devices = zip(columns["device"], columns["device_use"], strict=True)
            full = [
                score + max(-parameters.vouching, one + two) for score, (one, two) in zip(bare, devices, strict=True)
            ]
            total += _loss(year, many, bare, full)
        return total / len(self.years)

    def improve(self, tell: Callable[[str], None], *, rounds: int) -> None:
        """Try each number up and down, and keep what helps, until a round helps little."""
        best = self.loss()
        tell(f"at first: {best:.4f}")
        for turn in range(rounds):
            before = best
            for feature, change in _tried(self.parameters):
                tried = _changed(self.parameters, feature, change)
                if tried == self.parameters:
                    continue
                found = self.loss(feature, tried)
                if found < best - 1e-3:
                    best, self.parameters = found, tried
                    if feature:
                        for year, columns in zip(self.years, self._columns, strict=True):
                            columns[feature] = _column(year, feature, tried.levels[feature])
            tell(f"round {turn + 1}: {best:.4f}")
            if before - best < _ENOUGH:
                return


def _column(year: list[Look], feature: str, level: Level) -> list[float]:
    return [odds(step, level) if (step := look.steps.get(feature)) is not None else 0.0 for look in year]


def _changed(parameters: Parameters, feature: str, change: Mapping[str, float]) -> Parameters:
    if not feature:
        often = {name: value for name, value in change.items() if name in _OFTEN}
        kinds = {name: value for name, value in change.items() if name in _KINDS}
        return replace(parameters, kinds={**parameters.kinds, **kinds}, often=replace(parameters.often, **often))
    level = parameters.levels[feature]
    values = {name: getattr(level, name) + step for name, step in change.items()}
    if "kappa" in change:
        values["kappa"] = float(f"{level.kappa * change['kappa']:.2g}")
    values.update({name: change[name] for name in ("delta", "spread") if name in change})
    if "delta" in change:
        values["delta"] = max(change["delta"], _LEAST_DELTA.get(feature, 0.0))
    low, high = _WEIGHTS.get(feature, _WEIGHT)
    bounded = {
        name: round(max(bound[0], min(bound[1], values[name])), 4)
        for name, bound in {**_RANGES, "weight": (low, high)}.items()
        if name in values
    }
    return replace(parameters, levels={**parameters.levels, feature: replace(level, **bounded)})


def _tried(parameters: Parameters) -> Iterator[tuple[str, dict[str, float]]]:
    """List the changes of one round: factors of kappa, values of delta, steps of the others."""
    for feature in parameters.levels:
        for factor in (0.3, 0.6, 1.6, 3.0):
            yield feature, {"kappa": factor}
        for share in (0.0, 0.1, 0.25, 0.5):
            yield feature, {"delta": share}
            yield feature, {"spread": share}
        for step in (-0.4, -0.2, 0.2, 0.4):
            yield feature, {"weight": step}
        for step in (-1.0, 1.0):
            yield feature, {"least": step}
            yield feature, {"most": step}
    for kind, worths in _KINDS.items():
        for worth in worths:
            yield "", {kind: worth}
    for weight in _OFTEN["weight"]:
        for start in _OFTEN["start"]:
            yield "", {"weight": weight, "start": start}


def _first_of_many(year: list[Look]) -> list[int]:
    """List which looks are of the first sign-ins of people with many."""
    most: dict[int, int] = {}
    for look in year:
        if not look.attack:
            most[look.person] = max(most.get(look.person, 0), look.nth)
    return [number for number, look in enumerate(year) if not look.attack and look.nth <= _MANY <= most[look.person]]


def _loss(year: list[Look], many: list[int], bare: list[float], full: list[float]) -> float:
    """Mean log rate of people asked at several rates of attackers caught, and of stolen tokens let through at 5 % of people asked."""
    total = 0.0
    for scores in (bare, full):
        by_kind: dict[str, list[float]] = {}
        for look, score in zip(year, scores, strict=True):
            by_kind.setdefault(look.attack, []).append(score)
        own, of_many = sorted(by_kind[""]), sorted(scores[number] for number in many)
        for kind in KINDS:
            for rate in (0.97, 0.99, 0.995):
                cutoff = threshold(by_kind[kind], rate=rate)
                total += log(1e-3 + _from(own, cutoff)) / 9
                if of_many:
                    total += _WORTH_OF_MANY * log(1e-2 + _from(of_many, cutoff)) / 9
        if scores is full:
            asked = own[-len(own) // 20]
            for kind, part in (("naive", 0.5), ("vpn", 0.3), ("targeted", 0.2)):
                total += _WORTH_OF_STOLEN * part * log(0.02 + 1.0 - share_from(by_kind[STOLEN[kind]], asked))
    return total


def _from(ordered: list[float], cutoff: float) -> float:
    return 1.0 - bisect_left(ordered, cutoff) / len(ordered)
