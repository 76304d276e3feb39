"""The laws of a score, over made-up histories."""

from datetime import timedelta
from math import isclose

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from riskengine.assessment import Assessment
from riskengine.evaluators import (
    FAILURES_BOUND,
    NETWORK_FAILURES_BOUND,
    REPUTATION_BOUND,
    TRAVEL_BOUND,
    Failures,
)
from riskengine.learning import learned
from riskengine.parameters import PARAMETERS
from riskengine.population import NOBODY, Population
from riskengine.profile import Profile
from riskengine.scoring import score
from riskengine.seen import CHAINS, Seen
from tests.riskengine.people import ANNA, MONDAY, STRANGER, crowd, nobody, usually

# Histories are long to draw, and no law is about how fast that goes.
made_up = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

FEATURES = [feature for _chain, features in CHAINS for feature in features]
PLACES = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@st.composite
def sights(draw: st.DrawFn) -> Seen:
    country = draw(st.sampled_from([None, "DE", "FR", "PE"]))
    asn = draw(st.none() | st.integers(1, 4).map(lambda number: f"AS{number} of {country}"))
    network = draw(st.none() | st.integers(1, 6).map(lambda number: f"{number} of {asn}"))
    family = draw(st.sampled_from([None, "Firefox", "Chrome"]))
    return Seen(
        network=network,
        asn=asn,
        country=country,
        network_class=draw(st.sampled_from([None, "residential", "mobile", "hosting", "vpn", "tor", "unknown"])),
        is_listed=draw(st.booleans()),
        is_relay=draw(st.booleans()),
        place=draw(st.none() | PLACES),
        browser=draw(st.none() | st.integers(140, 151).map(lambda major: f"{family} {major}")) if family else None,
        family=family,
        system=draw(st.sampled_from([None, "Linux desktop", "iOS phone"])),
        hour=draw(st.none() | st.integers(0, 23)),
        device=draw(st.sampled_from([None, "one", "two"])),
    )


WEIGHTS = st.sampled_from([0.25, 0.5, 1.0])
HISTORIES = st.lists(st.tuples(sights(), WEIGHTS, st.integers(0, 400)), max_size=25)
FAILURES = st.none() | st.builds(
    Failures, person=st.floats(0, 1000), network=st.floats(0, 10_000), people_on_network=st.integers(0, 10_000)
)
POPULATIONS = st.sampled_from([NOBODY, crowd(ANNA, STRANGER), crowd(ANNA, each=1000)])


def told(history: list[tuple[Seen, float, int]]) -> Profile:
    profile, at = nobody(), MONDAY
    for seen, weight, hours in history:
        at += timedelta(hours=hours)
        profile = learned(profile, seen, weight=weight, at=at)
    return profile


def looked(seen: Seen, profile: Profile, population: Population = NOBODY) -> float:
    """Score without what failed, later than everything that was learned."""
    found = score(replace(seen, place=None), profile, population, None, at=MONDAY + timedelta(days=500)).score
    assert found is not None
    return found


@made_up
@given(sights(), HISTORIES.filter(bool), WEIGHTS, POPULATIONS)
def test_more_history_of_the_same_looks_never_raises_their_score(
    seen: Seen, history: list[tuple[Seen, float, int]], weight: float, population: Population
) -> None:
    before = told(history)
    after = learned(before, seen, weight=weight, at=MONDAY + timedelta(days=450))
    assert looked(seen, after, population) <= looked(seen, before, population) + 1e-9


@made_up
@given(st.integers(1, 60), st.integers(1, 60), WEIGHTS, POPULATIONS)
def test_a_new_value_costs_more_the_longer_the_history(
    shorter: int, more: int, weight: float, population: Population
) -> None:
    costs = [
        looked(STRANGER, usually(ANNA, times=times, weight=weight), population) for times in (shorter, shorter + more)
    ]
    assert costs[0] < costs[1] or costs[0] == costs[1] == _most()


def _most() -> float:
    return sum(level.weight * level.most for level in PARAMETERS.levels.values())


@made_up
@given(HISTORIES, POPULATIONS)
def test_what_is_not_known_moves_nothing(history: list[tuple[Seen, float, int]], population: Population) -> None:
    found = score(Seen(), without_devices(told(history)), population, None, at=MONDAY + timedelta(days=500))
    assert [reason for reason in found.reasons if reason.weight] == []
    assert found.score in (0.0, None)


def without_devices(profile: Profile) -> Profile:
    kept = {feature: values for feature, values in profile.counts.items() if not feature.startswith("device")}
    return replace(profile, counts=kept)


@made_up
@given(sights(), HISTORIES.filter(bool), POPULATIONS)
def test_a_token_that_is_left_out_is_no_better_than_a_new_one(
    seen: Seen, history: list[tuple[Seen, float, int]], population: Population
) -> None:
    always = told([(replace(had, device=had.device or "one"), weight, hours) for had, weight, hours in history])
    left_out, new = (looked(replace(seen, device=device), always, population) for device in (None, "new"))
    assert isclose(left_out, new, abs_tol=1e-9)


@made_up
@given(sights(), HISTORIES, FAILURES, POPULATIONS)
def test_contributions_sum_to_the_score_strongest_first(
    seen: Seen, history: list[tuple[Seen, float, int]], failures: Failures | None, population: Population
) -> None:
    found = score(seen, told(history), population, failures, at=MONDAY + timedelta(days=1))
    weights = [reason.weight for reason in found.reasons]
    assert isclose(sum(weights), found.score or 0.0, abs_tol=1e-9)
    assert weights == sorted(weights, key=abs, reverse=True)
    assert all(reason.because == reason.because.strip() != "" for reason in found.reasons)


BOUNDS = {
    "impossible_travel": TRAVEL_BOUND,
    "fast_travel": TRAVEL_BOUND,
    "failures_of_person": FAILURES_BOUND,
    "failures_of_network": NETWORK_FAILURES_BOUND,
    "stuffing": NETWORK_FAILURES_BOUND,
    "listed_address": REPUTATION_BOUND,
    "tor": REPUTATION_BOUND,
    "hosting": REPUTATION_BOUND,
    "vpn": REPUTATION_BOUND,
}


@made_up
@given(sights(), HISTORIES, FAILURES)
def test_an_evaluator_never_exceeds_its_bound_nor_lowers_a_score(
    seen: Seen, history: list[tuple[Seen, float, int]], failures: Failures | None
) -> None:
    found = score(seen, told(history), NOBODY, failures, at=MONDAY + timedelta(minutes=1))
    spoken = [reason for reason in found.reasons if reason.code in BOUNDS]
    assert all(0 < reason.weight <= BOUNDS[reason.code] for reason in spoken)
    assert len({reason.code for reason in spoken}) == len(spoken)
    assert set(found.hard) <= {reason.code for reason in spoken}


@made_up
@given(sights(), HISTORIES, FAILURES, POPULATIONS)
def test_a_device_token_carries_a_score_by_its_bound_at_most(
    seen: Seen, history: list[tuple[Seen, float, int]], failures: Failures | None, population: Population
) -> None:
    profile = told([(replace(had, device=seen.device), weight, hours) for had, weight, hours in history])
    at = MONDAY + timedelta(days=1)
    without = score(replace(seen, device=None), without_devices(profile), population, failures, at=at).score or 0.0
    full = score(seen, profile, population, failures, at=at).score or 0.0
    assert full >= without - PARAMETERS.vouching - 1e-9


def test_a_device_that_was_always_the_same_vouches_by_its_bound_whatever_its_levels_would_say() -> None:
    louder = replace(
        PARAMETERS, levels={**PARAMETERS.levels, "device": replace(PARAMETERS.levels["device"], weight=1.5, least=-6.0)}
    )
    profile = usually(ANNA, times=200)
    stolen = replace(STRANGER, device=ANNA.device, family=ANNA.family, system=ANNA.system)
    full, without = (
        score(one, known, NOBODY, None, at=MONDAY, by=louder).score
        for one, known in ((stolen, profile), (replace(stolen, device=None), without_devices(profile)))
    )
    assert full is not None
    assert without is not None
    assert isclose(without - full, PARAMETERS.vouching)


def test_a_person_of_whom_nothing_is_known_has_no_score() -> None:
    found = score(ANNA, nobody(), NOBODY, Failures(), at=MONDAY)
    assert found == Assessment(score=None, reasons=found.reasons)
    assert [reason.code for reason in found.reasons] == ["first_time"]
