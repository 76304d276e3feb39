"""A profile learns what it is shown, forgets slowly, and is never taught fast."""

from datetime import timedelta

import pytest

from riskengine.learning import MOST_A_DAY, allowance, capped, learned, merged, rebased
from riskengine.population import NOBODY
from riskengine.profile import HALF_LIFE, MOST_VALUES
from riskengine.scoring import score
from tests.riskengine.people import ANNA, BERLIN, LIMA, MONDAY, STRANGER, but, nobody, usually


def test_what_is_not_trusted_teaches_nothing() -> None:
    profile = usually(ANNA)
    assert learned(profile, STRANGER, weight=0.0, at=MONDAY) == profile


def test_an_observation_a_half_life_old_weighs_half_of_one_of_now() -> None:
    profile = learned(nobody(MONDAY - HALF_LIFE), ANNA, weight=1.0, at=MONDAY - HALF_LIFE)
    profile = learned(profile, STRANGER, weight=1.0, at=MONDAY)
    assert rebased(profile, at=MONDAY).counts["country"] == {"DE": 0.5, "PE": 1.0}


def test_the_epoch_changes_no_score() -> None:
    profile = usually(ANNA, STRANGER, times=9)
    by_another = rebased(profile, at=MONDAY + timedelta(days=30))
    at = MONDAY + timedelta(days=40)
    for seen in (ANNA, STRANGER):
        before, after = (score(seen, one, NOBODY, None, at=at).score for one in (profile, by_another))
        assert before == pytest.approx(after)


def test_what_is_long_forgotten_is_dropped_at_a_rebase() -> None:
    profile = learned(usually(ANNA), STRANGER, weight=1.0, at=MONDAY + HALF_LIFE * 12)
    assert set(rebased(profile, at=MONDAY + HALF_LIFE * 16).counts["country"]) == {"PE"}


def test_the_heaviest_values_are_kept_and_the_newest_is_among_them() -> None:
    profile = usually(ANNA, times=3)
    for number in range(MOST_VALUES * 2):
        profile = learned(profile, but(ANNA, network=f"10.0.{number}.0/24"), weight=0.25, at=MONDAY)
    kept = profile.counts["network"]
    assert len(kept) == MOST_VALUES
    assert {ANNA.network, f"10.0.{MOST_VALUES * 2 - 1}.0/24"} <= set(kept)
    assert capped(profile) == profile


def test_two_profiles_know_together_what_each_knew() -> None:
    one, other = usually(ANNA, times=4), usually(STRANGER, times=2, every=timedelta(days=3))
    both = merged(one, other)
    assert both == merged(other, one)
    assert (both.times, set(both.counts["country"])) == (6, {"DE", "PE"})
    assert both.last == one.last
    assert both.counts["country"]["DE"] == pytest.approx(rebased(one, at=both.epoch).counts["country"]["DE"])


def test_one_value_is_taught_so_much_a_day_and_no_more() -> None:
    assert allowance(0.0, weight=1.0) == 1.0
    assert allowance(MOST_A_DAY - 0.25, weight=1.0) == 0.25
    assert allowance(MOST_A_DAY + 3.0, weight=1.0) == 0.0


@pytest.mark.parametrize(
    "elsewhere", [{"network_class": "vpn"}, {"network_class": "hosting"}, {"is_relay": True}, {"is_satellite": True}]
)
def test_through_a_vpn_a_person_stays_where_they_were(elsewhere: dict[str, object]) -> None:
    profile = usually(ANNA)
    profile = learned(profile, but(ANNA, place=LIMA, **elsewhere), weight=1.0, at=MONDAY)
    assert profile.last is not None
    assert profile.last.place == BERLIN
