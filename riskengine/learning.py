"""How a profile learns: pure steps from one profile to the next. What calls them says how much an observation is trusted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from riskengine.profile import HALF_LIFE, MOST_VALUES, LastSeen, Profile
from riskengine.seen import CHAINS, Seen

FEATURES: Final = tuple(feature for _chain, features in CHAINS for feature in features)
MOST_A_DAY: Final = 2.0
"""How much of one value one person's profile may learn in a day, so that nobody makes a value usual in an afternoon."""

# Less than this is as good as never seen: ten half-lives of one observation.
_FORGOTTEN: Final = 2**-10


def fade(profile: Profile, *, at: datetime) -> float:
    """Give what a stored weight is multiplied by to be what it is worth at an instant."""
    return float(2.0 ** ((profile.epoch - at) / HALF_LIFE))


def is_where_the_person_is(seen: Seen) -> bool:
    """Whether the place of an address is where somebody is, and not where a service has its computers."""
    is_elsewhere = seen.is_relay or seen.is_satellite or seen.network_class in {"vpn", "hosting", "tor"}
    return seen.place is not None and not is_elsewhere


def learned(profile: Profile, seen: Seen, *, weight: float, at: datetime) -> Profile:
    """Give the profile with one more observation.

    Where the person was last is only learned of places where people are: through a VPN they are where they were.

    weight: how much it is trusted, 0 to 1; at 0 nothing is learned, not even where it came from.
    """
    if weight <= 0:
        return profile
    grown = weight / fade(profile, at=at)
    counts = dict(profile.counts)
    for feature in FEATURES:
        value = seen.value(feature)
        if value is not None:
            of_feature = dict(counts.get(feature, ()))
            of_feature[value] = of_feature.get(value, 0.0) + grown
            counts[feature] = _heaviest(of_feature, but_keep=value)
    last = profile.last
    if is_where_the_person_is(seen) and (last is None or last.at <= at):
        last = LastSeen(at=at, place=seen.place, asn=seen.asn, network=seen.network)
    return replace(profile, total=profile.total + grown, times=profile.times + 1, counts=counts, last=last)


def allowance(taught_today: float, *, weight: float) -> float:
    """Give how much of a weight may still be learned of a value that was taught so much today."""
    return max(0.0, min(weight, MOST_A_DAY - taught_today))


def rebased(profile: Profile, *, at: datetime) -> Profile:
    """Give the same profile told by another epoch, without what is as good as forgotten: numbers stay small, and nothing else changes."""
    factor = fade(profile, at=at)
    counts = {
        feature: kept
        for feature, values in profile.counts.items()
        if (kept := {value: worth for value, weight in values.items() if (worth := weight * factor) >= _FORGOTTEN})
    }
    return replace(profile, epoch=at, total=profile.total * factor, counts=counts)


def capped(profile: Profile) -> Profile:
    """Give the profile with the heaviest `MOST_VALUES` values of each feature."""
    return replace(profile, counts={feature: _heaviest(dict(values)) for feature, values in profile.counts.items()})


def merged(one: Profile, other: Profile) -> Profile:
    """Give what two profiles of one person know together, by the later epoch of the two."""
    epoch = max(one.epoch, other.epoch)
    one, other = rebased(one, at=epoch), rebased(other, at=epoch)
    counts: dict[str, Mapping[str, float]] = dict(one.counts)
    for feature, values in other.counts.items():
        joined = dict(counts.get(feature, ()))
        for value, weight in values.items():
            joined[value] = joined.get(value, 0.0) + weight
        counts[feature] = joined
    lasts = [last for last in (one.last, other.last) if last is not None]
    return capped(
        Profile(
            epoch=epoch,
            total=one.total + other.total,
            times=one.times + other.times,
            counts=counts,
            last=max(lasts, key=lambda last: last.at, default=None),
        )
    )


def _heaviest(values: dict[str, float], *, but_keep: str | None = None) -> dict[str, float]:
    """Leave out the lightest beyond `MOST_VALUES`; what was just seen stays, or nothing new could ever be learned."""
    while len(values) > MOST_VALUES:
        del values[min((value for value in values if value != but_keep), key=values.__getitem__)]
    return values
