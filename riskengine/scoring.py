"""How far a request is from what is usual for the person, in log-odds: above 0 it looks more like anybody than like them.

Freeman et al. (NDSS 2016) compare how likely a request's looks are for the person with how likely they are for people at large.
Here each chain of features (`seen.CHAINS`) goes from coarse to fine, and each level is compared given the one above it:

    P(x | above) = (n(x) + B p(x | above)) / (n(above) + B)        contribution = weight * clip(ln p(x | above) / P(x | above))

n: how often it was seen with this person, newer times counting for more; p: the share among people at large (`population`);
B = kappa + delta * (how many values were seen) is how much is left for what was never seen. So a value that is new costs
ln((n(above) + B) / B): little in a short history, much in a long one of always the same, and less for whoever often has a new one, as on
mobile networks. It is Dirichlet smoothing whose base is the level above (MacKay and Peto, 1995), with what is left for new values
growing with their number as in Teh's hierarchical Pitman-Yor (ACL 2006).

Times, names and places that are not known (None) move nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from math import log
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from riskengine import evaluators
from riskengine.assessment import Assessment, RiskReason
from riskengine.evaluators import Failures
from riskengine.learning import fade
from riskengine.population import HOURS_BESIDE, Population
from riskengine.profile import Profile
from riskengine.seen import CHAINS, Seen
from riskengine.words import FIRST_TIME, OTHER, code_of, words_of


class Level(Struct, frozen=True, kw_only=True):
    """How one feature counts. least and most: the bounds of its log-odds, before the weight."""

    kappa: float
    delta: float = 0.0
    weight: float = 1.0
    least: float = -2.0
    most: float = 6.0


class Parameters(Struct, frozen=True, kw_only=True):
    """What the scorer is tuned by. vouching: how far a known device may lower a score, and no farther."""

    levels: Mapping[str, Level]
    vouching: float = 2.0


PARAMETERS: Final = Parameters(
    levels={
        "country": Level(kappa=0.5, weight=1.0),
        "asn": Level(kappa=0.5, delta=0.5, weight=1.0),
        "network": Level(kappa=0.5, delta=0.5, weight=1.0),
        "system": Level(kappa=0.5, delta=0.5, weight=1.0),
        "family": Level(kappa=0.5, delta=0.5, weight=1.0),
        "browser": Level(kappa=0.5, delta=0.5, weight=0.3),
        "network_class": Level(kappa=0.5, delta=0.5, weight=0.5),
        "hour": Level(kappa=6.0, weight=0.4, least=-1.5, most=2.5),
        "device": Level(kappa=0.5, delta=0.5, weight=1.0, least=-4.0),
        "device_use": Level(kappa=0.2, weight=1.0),
    }
)
"""Chosen on the training seed of `python -m bench.risk --tune`."""

# The value of the finer one is always within the same coarser one, so that whoever has the one has the other.
_NESTED: Final = frozenset({"network", "asn", "country", "browser", "device_use"})


def score(
    seen: Seen,
    profile: Profile,
    population: Population,
    failures: Failures | None,
    *,
    at: datetime,
    by: Parameters = PARAMETERS,
) -> Assessment:
    """Score a request; the band is left to `bands.banded`.

    A person of whom nothing is known has no score, unless an evaluator speaks; then it is the evaluators' sum.

    failures: None where they are not known. by: other parameters, as when they are tuned.
    """
    now = fade(profile, at=at)
    reasons: list[RiskReason] = []
    known = known_class = 0.0
    is_first = not profile.times
    if not is_first:
        average = profile.total * now / profile.times
        known = _known(profile, "network", seen.network, now)
        known_class = _known(profile, "network_class", seen.network_class, now)
        for chain, features in CHAINS:
            steps = _steps(features, seen, profile, now)
            if steps:
                reason = _chain(steps, profile, population, average, by)
                if chain == "device" and reason.weight < -by.vouching:
                    reason = replace(reason, weight=-by.vouching)
                reasons.append(reason)
    found = list(evaluators.evaluate(seen, profile, failures, at=at, known=known, known_class=known_class))
    reasons.extend(one.reason for one in found)
    total = sum(reason.weight for reason in reasons)
    if is_first:
        reasons.append(RiskReason(code=FIRST_TIME, weight=0.0, because=OTHER[FIRST_TIME]))
    reasons.sort(key=lambda reason: -abs(reason.weight))
    return Assessment(
        score=None if is_first and not found else total,
        reasons=tuple(reasons),
        hard=tuple(one.reason.code for one in found if one.is_hard),
    )


class _Step(NamedTuple):
    """One level of a chain: what is seen now, and what this person's history says of it."""

    feature: str
    value: str
    number: float
    of_all: float
    kinds: int


def _steps(features: tuple[str, ...], seen: Seen, profile: Profile, now: float) -> list[_Step]:
    """Look up a chain from the finest to the coarsest, without what is not known now or never was before.

    Whoever has had the finer value has had its coarser one, whatever is counted of that: a network that moves in a geo database does
    not make its country a new one.
    """
    steps: list[_Step] = []
    finer = 0.0
    for feature in features:
        value = seen.value(feature)
        values = profile.counts.get(feature)
        if value is None or not values:
            continue
        number = _hourly(values, value) * now if feature == "hour" else values.get(value, 0.0) * now
        number = max(number, finer)
        steps.append(_Step(feature, value, number, max(sum(values.values()) * now, number), len(values)))
        finer = number if feature in _NESTED else 0.0
    return steps


def _hourly(values: Mapping[str, float], value: str) -> float:
    """Give how often about this hour: nobody keeps to the clock, and midnight is beside eleven."""
    hour = int(value)
    return sum(weight * values.get(str((hour + off) % 24), 0.0) for off, weight in HOURS_BESIDE)


def _chain(steps: list[_Step], profile: Profile, population: Population, average: float, by: Parameters) -> RiskReason:
    """Add up one chain from the coarsest to the finest, and name what it found.

    average: what one observation weighs, of those that the profile learned.
    """
    total = 0.0
    new: _Step | None = None
    rare: _Step | None = None
    usual: str | None = None
    above: _Step | None = None
    is_updated = False
    for step in reversed(steps):
        feature, value, number, of_all, kinds = step
        level = by.levels[feature]
        within = above.number if above is not None and feature in _NESTED else of_all
        left = level.kappa + level.delta * min(kinds * average, of_all) * (within / of_all if of_all else 1.0)
        share = population.share(feature, value, given=above.value if above is not None else None)
        odds = log(share * (max(within, number) + left) / (number + left * share))
        odds = max(level.least, min(level.most, odds)) * level.weight
        if not number and feature == "browser" and above is not None and above.number and _is_update(value, profile):
            is_updated = True
            odds = 0.0
        elif not number and new is None:
            new, usual = step, above.feature if above is not None and above.number else None
        elif odds > 0 and rare is None:
            rare = step
        total += odds
        above = step
    if new is not None:
        return _reason(new.feature, "new", total, usual)
    if is_updated:
        return RiskReason(code="browser_updated", weight=total, because=OTHER["browser_updated"])
    if rare is not None and total > 0:
        return _reason(rare.feature, "rare", total)
    return _reason(steps[0].feature, "usual", total)


def _reason(feature: str, state: str, weight: float, usual: str | None = None) -> RiskReason:
    return RiskReason(
        code=code_of(feature, state=state), weight=weight, because=words_of(feature, state=state, usual=usual)
    )


def _is_update(value: str, profile: Profile) -> bool:
    """Whether a browser's version is later than all that the person had of it: browsers go forward by themselves, and never back."""
    family, _, version = value.rpartition(" ")
    if not version.isdecimal():
        return False
    had = [known.rpartition(" ") for known in profile.counts.get("browser", ())]
    of_family = [int(number) for name, _, number in had if name == family and number.isdecimal()]
    return bool(of_family) and int(version) > max(of_family)


def _known(profile: Profile, feature: str, value: str | None, now: float) -> float:
    """Give how usual a value is, 0 to 1: whole from one observation on that is trusted wholly."""
    if value is None:
        return 0.0
    return min(1.0, profile.counts.get(feature, {}).get(value, 0.0) * now)
