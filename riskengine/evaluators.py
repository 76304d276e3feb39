"""What is judged by itself and not by how usual it is: travel, failures, reputation. Each adds at most its bound, and never takes away.

What a request is asked about here may be known of an attacker for certain; multiplied into the score it would drown the rest
(Wiefling et al., ACM TOPS 2022), so each is bounded.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from math import asin, cos, radians, sin, sqrt
from typing import Final

from msgspec import Struct

from riskengine.assessment import RiskReason
from riskengine.profile import Profile
from riskengine.seen import Seen
from riskengine.words import OTHER

TRAVEL_BOUND: Final = 4.0
FAILURES_BOUND: Final = 2.0
NETWORK_FAILURES_BOUND: Final = 2.0
REPUTATION_BOUND: Final = 2.5

EARTH_KM: Final = 6371.0
# How far off a place may be: cities are told by the middle of an area, and so are providers.
_BLUR_KM: Final = 150.0
# Between a train and what no airliner does, in km/h.
_FAST: Final = 250.0
_IMPOSSIBLE: Final = 1000.0
# Two requests in one minute are as far apart as in five: clocks and queues.
_LEAST_TIME: Final = timedelta(minutes=5)
# Who was last seen longer ago than this may be anywhere.
_LONG_AGO: Final = timedelta(days=2)
_NO_TIME: Final = timedelta(0)
_HOUR: Final = timedelta(hours=1)


class Failures(Struct, frozen=True, kw_only=True):
    """What failed lately, decaying.

    person: failed attempts for this person (15 minutes). network: failed attempts from this network (1 hour), which a success does
    not clear. people_on_network: for how many different people.
    """

    person: float = 0.0
    network: float = 0.0
    people_on_network: int = 0


class Evaluated(Struct, frozen=True):
    """What one evaluator found. is_hard: it may block, together with a critical band."""

    reason: RiskReason
    is_hard: bool = False


class Familiarity(Struct, frozen=True):
    """How usual the network is for this person, and its kind, 0 to 1.

    What is usual for somebody is not held against them: an office behind one address where others mistype, or a VPN that they
    always come through.
    """

    network: float = 0.0
    kind: float = 0.0


def evaluate(
    seen: Seen,
    profile: Profile,
    failures: Failures | None,
    *,
    at: datetime,
    known: Familiarity,
    kinds: Mapping[str, float],
) -> Iterator[Evaluated]:
    """Go through all evaluators. Nothing known of failures moves nothing.

    kinds: what a kind of network adds that attackers are fond of.
    """
    travelled = travel(seen, profile, at=at)
    if travelled is not None and known.network < 1.0:
        weight = travelled.reason.weight * (1.0 - known.network)
        yield Evaluated(_reason(travelled.reason.code, weight), travelled.is_hard and not known.network)
    if failures is not None:
        yield from _failures(seen, failures, known.network)
    # Of whom nothing is known it cannot be said what they usually do.
    yield from _reputation(seen, known, kinds if profile.times else {})


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Give the great-circle distance of two places in degrees (haversine)."""
    north, south = radians(one[0]), radians(other[0])
    half = sin((south - north) / 2) ** 2 + cos(north) * cos(south) * sin(radians(other[1] - one[1]) / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(min(1.0, half)))


def travel(seen: Seen, profile: Profile, *, at: datetime) -> Evaluated | None:
    """Judge how fast the person must have moved since they were last seen; None where that cannot be told, or was no journey.

    It cannot be told through a VPN, a hosting provider, Tor, a relay or a satellite, and was no journey within one network or one
    provider, whatever a database says of the place: that moves more often than people do. Mobile and business addresses
    come out where the provider or the company has its gateway: with these it may be fast and is never hard.
    """
    last = profile.last
    if seen.place is None or last is None or last.place is None or not _NO_TIME <= at - last.at <= _LONG_AGO:
        return None
    if seen.is_relay or seen.is_satellite or seen.network_class in {"vpn", "hosting", "tor"}:
        return None
    if (seen.network is not None and seen.network == last.network) or (seen.asn is not None and seen.asn == last.asn):
        return None
    far = distance_km(last.place, seen.place) - _BLUR_KM
    if far <= 0:
        return None
    speed = far / (max(at - last.at, _LEAST_TIME) / _HOUR)
    if speed <= _FAST:
        return None
    has_gateway = seen.network_class in {"mobile", "business"}
    weight = min(1.0, (speed - _FAST) / (_IMPOSSIBLE - _FAST)) * TRAVEL_BOUND * (0.5 if has_gateway else 1.0)
    is_impossible = speed > _IMPOSSIBLE and not has_gateway
    return Evaluated(_reason("impossible_travel" if is_impossible else "fast_travel", weight), is_impossible)


def _failures(seen: Seen, failures: Failures, known: float) -> Iterator[Evaluated]:
    """A typing error or two is everybody's; from many people's failures on one network nobody's own network is held against them."""
    of_person = _ramp(failures.person, 2.0, 10.0) * FAILURES_BOUND
    if of_person:
        yield Evaluated(_reason("failures_of_person", of_person))
    # Thousands share a mobile provider's address, and a company's.
    shared = 4.0 if seen.network_class in {"mobile", "business"} else 1.0
    of_people = _ramp(failures.people_on_network, 4.0 * shared, 20.0 * shared)
    of_network = _ramp(failures.network, 15.0 * shared, 100.0 * shared)
    weight = max(of_people, of_network) * NETWORK_FAILURES_BOUND * (1.0 - known)
    if weight:
        is_stuffing = of_people >= of_network
        yield Evaluated(
            _reason("stuffing" if is_stuffing else "failures_of_network", weight), of_people == 1.0 and not known
        )


def _reputation(seen: Seen, known: Familiarity, kinds: Mapping[str, float]) -> Iterator[Evaluated]:
    """Of a list and the kind of network only the stronger counts, since they say the same."""
    kind = seen.network_class
    of_kind = min(REPUTATION_BOUND, kinds.get(kind or "", 0.0)) * (1.0 - known.kind)
    of_list = (REPUTATION_BOUND if kind != "mobile" else REPUTATION_BOUND / 4) if seen.is_listed else 0.0
    of_list *= 1.0 - known.network
    if of_list and of_list >= of_kind:
        yield Evaluated(_reason("listed_address", of_list), kind != "mobile" and not known.network)
    elif of_kind and kind is not None:
        yield Evaluated(_reason(kind, of_kind))


def _ramp(value: float, start: float, full: float) -> float:
    return max(0.0, min(1.0, (value - start) / (full - start)))


def _reason(code: str, weight: float) -> RiskReason:
    return RiskReason(code=code, weight=weight, because=OTHER[code])
