"""What people complain of elsewhere: being asked because of something that is no change of theirs."""

from datetime import timedelta

import pytest

from riskengine.assessment import Assessment
from riskengine.bands import BUILT_IN, banded
from riskengine.evaluators import Failures, travel
from riskengine.parameters import PARAMETERS
from riskengine.population import NOBODY
from riskengine.profile import Profile
from riskengine.scoring import score
from riskengine.seen import Seen
from tests.riskengine.people import ANNA, BERLIN, LIMA, LYON, MONDAY, STRANGER, but, crowd, nobody, usually

LATER = MONDAY + timedelta(hours=1)
AT_LARGE = crowd(ANNA, STRANGER)


def looked(seen: Seen, profile: Profile, failures: Failures | None = None) -> Assessment:
    return score(seen, profile, AT_LARGE, failures, at=LATER)


def worth(found: Assessment) -> float:
    assert found.score is not None
    return found.score


def codes(found: Assessment) -> set[str]:
    return {reason.code for reason in found.reasons}


def on_mobile(number: int) -> Seen:
    return but(ANNA, network=f"192.0.{number}.0/24", asn="AS64510", network_class="mobile", place=LYON)


def of_network(found: Assessment) -> float:
    """Give what the network's chain weighs."""
    (weight,) = (reason.weight for reason in found.reasons if reason.code == "new_network")
    return weight


def test_a_new_address_of_a_mobile_network_costs_little_where_every_one_was_new() -> None:
    roaming = usually(*(on_mobile(number) for number in range(30)))
    settled = usually(on_mobile(1))
    assert of_network(looked(on_mobile(99), roaming)) < of_network(looked(on_mobile(99), settled)) - 1.0


def test_the_exit_of_a_company_in_another_country_is_no_journey() -> None:
    office = but(ANNA, network="192.0.2.0/24", asn="AS64520", country="FR", network_class="business", place=LYON)
    both = usually(ANNA, office)
    for here in (ANNA, office):
        assert not codes(looked(here, both)) & {"fast_travel", "impossible_travel"}
    assert looked(but(office, place=LIMA), usually(ANNA)).hard == ()


@pytest.mark.parametrize(
    "aboard",
    [
        {"is_satellite": True},
        {"is_relay": True},
        {"network_class": "vpn"},
        {"network_class": "hosting"},
        {"network_class": "tor"},
    ],
)
def test_the_network_of_a_plane_a_relay_or_a_vpn_is_nowhere(aboard: dict[str, object]) -> None:
    found = looked(but(STRANGER, **aboard), usually(ANNA))
    assert not codes(found) & {"fast_travel", "impossible_travel"}


def test_who_was_nowhere_meanwhile_is_still_where_they_were() -> None:
    through_vpn = but(ANNA, network="192.0.2.0/24", asn="AS1", network_class="vpn", place=LIMA)
    assert travel(ANNA, usually(ANNA, through_vpn, every=timedelta(hours=1)), at=LATER) is None


@pytest.mark.parametrize("moved", [{"place": LIMA}, {"place": LIMA, "country": "PE"}, {"asn": "AS7"}])
def test_a_geo_database_that_moves_the_same_network_moves_nobody(moved: dict[str, object]) -> None:
    profile = usually(ANNA)
    found = looked(but(ANNA, **moved), profile)
    assert found.hard == ()
    assert not [reason for reason in found.reasons if reason.weight > 0]


def test_another_network_of_the_same_provider_is_no_journey() -> None:
    assert travel(but(ANNA, network="203.0.199.0/24", place=LIMA), usually(ANNA), at=LATER) is None


def test_a_newer_version_of_the_usual_browser_costs_nothing() -> None:
    profile = usually(ANNA)
    newer = looked(but(ANNA, browser="Firefox 152"), profile)
    assert "browser_updated" in codes(newer)
    assert "new_browser_version" not in codes(newer)
    assert all(reason.weight <= 0 for reason in newer.reasons)
    older = looked(but(ANNA, browser="Firefox 115"), profile)
    assert "new_browser_version" in codes(older)
    assert worth(newer) < worth(older)


def test_an_update_leaves_the_device_the_same_one() -> None:
    profile = usually(ANNA)
    assert ANNA.device_use == but(ANNA, browser="Firefox 152").device_use
    found = looked(but(ANNA, browser="Firefox 152"), profile)
    assert "usual_device_browser" in codes(found)


def test_privacy_addresses_of_one_ipv6_network_are_one_network() -> None:
    at_home = but(ANNA, network="2001:db8:1:2::/64")
    assert "usual_network" in codes(looked(at_home, usually(at_home)))


@pytest.mark.parametrize("times", [1, 8, 100])
@pytest.mark.parametrize("device", [None, "after-the-cookies-were-lost"])
def test_who_is_at_home_in_the_usual_browser_may_have_lost_their_cookies(times: int, device: str | None) -> None:
    found = looked(but(ANNA, device=device), usually(ANNA, times=times, weight=0.25))
    assert codes(found) & {"no_device", "new_device"}
    assert banded(found, BUILT_IN).band == "low"


def test_a_browser_that_always_forgets_its_cookies_is_missed_less_without_them() -> None:
    forgets = [but(ANNA, device=f"anna-{number}") for number in range(30)]
    costs = [
        next(one.weight for one in looked(but(ANNA, device=None), usually(*seen)).reasons if one.code == "no_device")
        for seen in ([ANNA], forgets)
    ]
    assert costs[1] < costs[0] / 2


CROWDED = Failures(person=0.0, network=500.0, people_on_network=300)


def test_what_others_mistype_on_somebodys_own_network_is_not_held_against_them() -> None:
    profile = usually(ANNA)
    assert worth(looked(ANNA, profile, CROWDED)) == worth(looked(ANNA, profile, Failures()))


def test_many_fail_on_a_mobile_network_before_it_says_anything() -> None:
    few = Failures(person=0.0, network=20.0, people_on_network=12)
    profile = usually(ANNA)
    at_home = codes(looked(but(STRANGER, network_class="residential"), profile, few))
    on_the_way = codes(looked(but(STRANGER, network_class="mobile"), profile, few))
    assert "stuffing" in at_home - on_the_way


def test_a_typing_error_or_two_says_nothing() -> None:
    profile = usually(ANNA)
    assert worth(looked(ANNA, profile, Failures(person=2.0))) == worth(looked(ANNA, profile))


def test_who_always_comes_through_a_vpn_may() -> None:
    through = but(ANNA, network="192.0.2.0/24", network_class="vpn")
    assert codes(looked(through, usually(ANNA))) >= {"vpn"}
    assert "vpn" not in codes(looked(but(through, network="192.0.3.0/24"), usually(through)))


def test_nothing_known_of_failures_is_no_alarm() -> None:
    assert worth(looked(STRANGER, usually(ANNA), None)) == worth(looked(STRANGER, usually(ANNA), Failures()))


# And what must still be said.


def test_a_journey_that_no_airliner_makes_is_impossible() -> None:
    found = looked(STRANGER, usually(ANNA, every=timedelta(hours=1)))
    assert found.hard == ("impossible_travel",)
    assert codes(found) >= {"impossible_travel"}


def test_a_fast_train_is_no_journey_to_ask_about() -> None:
    in_lyon = but(STRANGER, place=LYON)
    assert travel(in_lyon, usually(ANNA, every=timedelta(hours=6)), at=MONDAY) is None
    assert BERLIN != LYON


def test_a_stolen_token_in_another_browser_is_named() -> None:
    replayed = but(STRANGER, device=ANNA.device)
    found = looked(replayed, usually(ANNA))
    assert "new_device_browser" in codes(found)
    assert worth(found) >= worth(looked(but(replayed, device=None), usually(ANNA))) - PARAMETERS.vouching


def test_a_listed_address_may_block_unless_thousands_share_it() -> None:
    listed = but(STRANGER, is_listed=True)
    assert "listed_address" in looked(listed, usually(ANNA)).hard
    assert "listed_address" not in looked(but(listed, network_class="mobile"), usually(ANNA)).hard
    assert "listed_address" not in codes(looked(but(ANNA, is_listed=True), usually(ANNA)))


def test_failures_for_many_people_may_block_even_somebodys_first_time() -> None:
    found = score(STRANGER, nobody(), NOBODY, CROWDED, at=LATER)
    assert found.hard == ("stuffing",)
    assert found.score is not None
    assert {reason.code for reason in found.reasons} == {"stuffing", "first_time"}
