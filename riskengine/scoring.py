"""How far a request is from what is usual for the person, in log-odds: above 0 it looks more like anybody than like them.

Freeman et al. (NDSS 2016) compare how likely a request's looks are for the person with how likely they are for people at large.
Here each chain of features (`seen.CHAINS`) goes from coarse to fine, and each level is compared given the one above it:

    P(x | above) = (n(x) + B p(x | above)) / (n(above) + B)        contribution = weight * clip(ln q(x | above) / P(x | above))

n: how often it was seen with this person, newer times counting for more; p: the share among people at large (`population`);
q: among attackers, who come as people at large do, and in part from anywhere;
B = kappa + delta * (how many values were seen) is how much is left for what was never seen. So a value that is new costs
ln((n(above) + B) / B) and ln(q/p): little in a short history, much in a long one of always the same, and less for whoever often has a new one, as on
mobile networks. It is Dirichlet smoothing whose base is the level above (MacKay and Peto, 1995), with what is left for new values
growing with their number as in Teh's hierarchical Pitman-Yor (ACL 2006).

Times, names and places that are not known (None) move nothing. A device token that is not there is known to be missing: an attacker has none
or a new one, so it costs somebody who had none n of N times ln((N + B) / (n + B)), as much as a new one if they always had one,
and nothing if they never did.

Last comes how often somebody comes at all. Attackers choose people alike and people come as often as they do, so the more often, the more
likely it is they: Freeman's p(u|A) / p(u|L), smoothed and bounded (`parameters.Often`).
"""

# A score is within the request, and calls of `min` and `max` would be a tenth of it.
# ruff: noqa: FURB136, PLR1730

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from math import log
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from riskengine import evaluators
from riskengine.assessment import Assessment, RiskReason
from riskengine.evaluators import Failures, Familiarity
from riskengine.learning import fade
from riskengine.parameters import PARAMETERS, Level, Often, Parameters
from riskengine.population import HOURS_BESIDE, PRIOR, Population
from riskengine.profile import Profile
from riskengine.seen import CHAINS, Seen
from riskengine.words import FIRST_TIME, OTHER, code_of, words_of

# The value of the finer one is always within the same coarser one: whoever has had the one has had the other.
_NESTED: Final = frozenset({"network", "asn", "browser", "device_use"})

_BESIDE: Final[Mapping[str, tuple[tuple[str, float], ...]]] = {
    str(hour): tuple((str((hour + off) % 24), weight) for off, weight in HOURS_BESIDE) for hour in range(24)
}


class Step(Struct, frozen=True, gc=False):
    """One level of a chain: what is seen now, and what is known of it.

    number: how often this person was seen with it. within: how often with the level above. room: how much of what they were seen with
    was new at its time. share: of people at large. is_update: a later version of a browser that they have.
    """

    feature: str
    value: str
    number: float
    within: float
    room: float
    share: float
    is_update: bool


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
    known = known_of(seen, profile, now)
    if profile.times:
        for chain, steps in list_steps(seen, profile, population, now):
            reason = _told(steps, by)
            if chain == "device" and reason.weight < -by.vouching:
                reason = replace(reason, weight=-by.vouching)
            reasons.append(reason)
        if seen.device is None:
            reasons.extend(_left_out(profile, now, by.levels["device"]))
        if reasons:
            reasons.append(_comes_often(profile.total * now, by.often))
    found = list(evaluators.evaluate(seen, profile, failures, at=at, known=known, kinds=by.kinds))
    reasons += [one.reason for one in found]
    total = sum([reason.weight for reason in reasons])
    if not profile.times:
        reasons.append(RiskReason(code=FIRST_TIME, weight=0.0, because=OTHER[FIRST_TIME]))
    reasons.sort(key=_strength, reverse=True)
    return Assessment(
        score=total if profile.times or found else None,
        reasons=tuple(reasons),
        hard=tuple([one.reason.code for one in found if one.is_hard]),
    )


def odds(step: Step, level: Level) -> float:
    """Give what one level adds to a score: above 0 where what is seen is rarer for this person than for people at large."""
    if step.is_update:
        return 0.0
    share, left = step.share, level.kappa + level.delta * step.room
    of_others = share + level.spread * (PRIOR[step.feature] - share)
    found = log(of_others * (step.within + left) / (step.number + left * share))
    if found > level.most:
        return level.most * level.weight
    return (level.least if found < level.least else found) * level.weight


def list_steps(seen: Seen, profile: Profile, population: Population, now: float) -> list[tuple[str, list[Step]]]:
    """Look up each chain from the coarsest to the finest, without what is not known now or never was before.

    Whoever has had the finer value has had its coarser one, whatever is counted of that: a network that moves in a geo database does
    not make its country a new one.

    now: what a weight of the profile is multiplied by.
    """
    average = profile.total * now / max(1, profile.times)
    counts, chains = profile.counts, []
    for chain, features in CHAINS:
        found: list[tuple[str, str, float, Mapping[str, float]]] = []
        finer = 0.0
        for feature in features:
            values = counts.get(feature)
            value = seen.value(feature) if values else None
            if value is None or values is None:
                continue
            number = (_hourly(values, value) if feature == "hour" else values.get(value, 0.0)) * now
            if number < finer:
                number = finer
            found.append((feature, value, number, values))
            finer = number if feature in _NESTED else 0.0
        if found:
            found.reverse()
            chains.append((chain, _steps(found, profile, population, now, average)))
    return chains


def _steps(
    found: list[tuple[str, str, float, Mapping[str, float]]],
    profile: Profile,
    population: Population,
    now: float,
    average: float,
) -> list[Step]:
    steps: list[Step] = []
    above: Step | None = None
    for feature, value, number, values in found:
        of_all = sum(values.values()) * now
        if of_all < number:
            of_all = number
        room, within = len(values) * average, of_all
        if room > of_all:
            room = of_all
        is_update = False
        if above is None:
            share = population.share(feature, value)
        else:
            if feature in _NESTED:
                within = above.number if above.number > number else number
                room *= within / of_all if of_all else 1.0
            share = population.share(feature, value, given=above.value)
            is_update = feature == "browser" and not number and above.number > 0.0 and _is_update(value, profile)
        above = Step(feature, value, number, within, room, share, is_update)
        steps.append(above)
    return steps


def _comes_often(observations: float, by: Often) -> RiskReason:
    weight = -min(by.most, by.weight * log(1.0 + observations / by.start))
    return RiskReason(code="comes_often", weight=weight, because=OTHER["comes_often"])


def _left_out(profile: Profile, now: float, level: Level) -> Iterator[RiskReason]:
    """Judge that no device token came along, by how often none did: else leaving it out would be better than having a new one."""
    devices = profile.counts.get("device")
    if not devices:
        return
    of_all = profile.total * now
    without = max(0.0, of_all - sum(devices.values()) * now)
    left = level.kappa + level.delta * min(len(devices) * of_all / max(1, profile.times), of_all)
    weight = min(level.most, log((of_all + left) / (without + left))) * level.weight
    yield RiskReason(code="no_device", weight=weight, because=OTHER["no_device"])


def _told(steps: list[Step], by: Parameters) -> RiskReason:
    """Add up one chain, from the coarsest to the finest, and name what it found."""
    total = 0.0
    new: Step | None = None
    rare: Step | None = None
    usual: str | None = None
    above: Step | None = None
    for step in steps:
        found = odds(step, by.levels[step.feature])
        if not step.number and new is None and not step.is_update:
            new, usual = step, above.feature if above is not None and above.number else None
        elif found > 0 and rare is None:
            rare = step
        total += found
        above = step
    finest = steps[-1]
    if new is not None:
        return _reason(new.feature, "new", total, usual)
    if finest.is_update:
        return RiskReason(code="browser_updated", weight=total, because=OTHER["browser_updated"])
    if rare is not None and total > 0:
        return _reason(rare.feature, "rare", total)
    return _reason(finest.feature, "usual", total)


def _reason(feature: str, state: str, weight: float, usual: str | None = None) -> RiskReason:
    code, because = _named(feature, state, usual)
    return RiskReason(code=code, weight=weight, because=because)


@cache
def _named(feature: str, state: str, usual: str | None) -> tuple[str, str]:
    return code_of(feature, state=state), words_of(feature, state=state, usual=usual)


def _strength(reason: RiskReason) -> float:
    return abs(reason.weight)


def _hourly(values: Mapping[str, float], value: str) -> float:
    """Give how often about this hour: nobody keeps to the clock, and midnight is beside eleven."""
    number = 0.0
    for name, weight in _BESIDE[value]:
        number += weight * values.get(name, 0.0)
    return number


def _is_update(value: str, profile: Profile) -> bool:
    """Whether a browser's version is later than all that the person had of it: browsers go forward by themselves, and never back."""
    family, _, version = value.rpartition(" ")
    if not version.isdecimal():
        return False
    prefix = f"{family} "
    begins = len(prefix)
    had = [
        int(number)
        for known in profile.counts.get("browser", ())
        if known.startswith(prefix) and (number := known[begins:]).isdecimal()
    ]
    return bool(had) and max(had) < int(version)


def known_of(seen: Seen, profile: Profile, now: float) -> Familiarity:
    """Tell how usual a network and its kind are: wholly from one observation on that is trusted wholly."""
    return Familiarity(
        _known(profile, "network", seen.network, now), _known(profile, "network_class", seen.network_class, now)
    )


def _known(profile: Profile, feature: str, value: str | None, now: float) -> float:
    values = profile.counts.get(feature)
    return 0.0 if value is None or values is None else min(1.0, values.get(value, 0.0) * now)
