"""What people's habits as a whole are worth, worked from the formulas by hand.

All histories are of one instant, so that nothing has faded, and each observation is trusted by a quarter.
"""

from datetime import timedelta
from math import log

import pytest
from msgspec.structs import replace

from riskengine.parameters import PARAMETERS, Level, Often
from riskengine.population import NOBODY
from riskengine.profile import Profile
from riskengine.scoring import score
from riskengine.seen import Seen
from tests.riskengine.people import ANNA, MONDAY, but, usually

BY = replace(
    PARAMETERS,
    often=Often(weight=0.5, start=0.5, most=2.0),
    levels={**PARAMETERS.levels, "device": Level(kappa=0.05, delta=0.2, weight=0.5, most=3.5)},
)
BARE = but(ANNA, device=None)
AT_ONCE = timedelta(0)


def worth(code: str, seen: Seen, profile: Profile) -> float | None:
    found = score(seen, profile, NOBODY, None, at=MONDAY, by=BY)
    return next((reason.weight for reason in found.reasons if reason.code == code), None)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        # One observation: 0.25. -0.5 ln(1 + 0.25/0.5) = -0.5 * 0.4055
        (1, -0.2027),
        # Six are 1.5: -0.5 ln 4 = -ln 2
        (6, -0.6931),
        # 200 are 50: -0.5 ln 101 = -2.3076, and 2 is the most
        (200, -2.0),
    ],
)
def test_the_more_often_somebody_comes_the_likelier_it_is_they(times: int, expected: float) -> None:
    assert worth("comes_often", ANNA, usually(ANNA, times=times, weight=0.25, every=AT_ONCE)) == pytest.approx(
        expected, abs=1e-4
    )


def test_somebody_who_stays_away_comes_less_often_as_time_goes_by() -> None:
    """After one half-life, 90 days, 1.5 are 0.75: -0.5 ln 2.5."""
    profile = usually(ANNA, times=6, weight=0.25, every=AT_ONCE)
    found = score(ANNA, profile, NOBODY, None, at=MONDAY + timedelta(days=90), by=BY)
    assert [one.weight for one in found.reasons if one.code == "comes_often"] == [pytest.approx(-0.5 * log(2.5))]


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        # 8 with one device are N = 2, n = 0 without; B = 0.05 + 0.2 * 1 device of 0.25 = 0.1: 0.5 ln(2.1/0.1)
        ((ANNA,), 1.5223),
        # 8, every second one without: N = 2, n = 1, B = 0.1: 0.5 ln(2.1/1.1)
        ((ANNA, BARE), 0.3233),
        # 8, one in four with a device: N = 2, n = 1.5, B = 0.1: 0.5 ln(2.1/1.6)
        ((BARE, BARE, BARE, ANNA), 0.1360),
        # 8 of as many devices, a browser that forgets: B = 0.05 + 0.2 * 8 * 0.25 = 0.45: 0.5 ln(2.45/0.45)
        (tuple(but(ANNA, device=f"anna-{number}") for number in range(8)), 0.8473),
        # None ever: nothing to miss.
        ((BARE,), None),
    ],
)
def test_a_token_that_is_left_out_counts_by_how_often_there_was_none(
    history: tuple[Seen, ...], expected: float | None
) -> None:
    profile = usually(*history, times=8, weight=0.25, every=AT_ONCE)
    found = worth("no_device", BARE, profile)
    assert found == (expected if expected is None else pytest.approx(expected, abs=1e-4))
    assert worth("no_device", ANNA, profile) is None


def test_a_token_that_always_came_is_missed_by_a_bound() -> None:
    """200 are N = 50, B = 0.1: ln 501 = 6.2, and 3.5 is the most, of which half counts."""
    assert worth("no_device", BARE, usually(ANNA, times=200, weight=0.25, every=AT_ONCE)) == 1.75


def test_a_product_that_stops_sending_tokens_is_forgiven_as_its_people_come() -> None:
    profiles = [
        usually(*(ANNA,) * 8, *(BARE,) * more, times=8 + more, weight=0.25, every=AT_ONCE) for more in (0, 1, 4)
    ]
    costs = [worth("no_device", BARE, profile) or 0.0 for profile in profiles]
    # 0.5 ln(2.1/0.1), 0.5 ln(2.35/0.35), 0.5 ln(3.1/1.1)
    assert costs == [pytest.approx(cost, abs=1e-4) for cost in (1.5223, 0.9521, 0.5181)]
