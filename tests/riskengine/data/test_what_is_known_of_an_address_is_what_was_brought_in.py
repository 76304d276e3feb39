"""What is known of an address is what was brought in, for as long as it holds, and nothing of what nobody can know."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from riskengine import api as risk
from riskengine.data.atlas import Atlas, HeldMap
from riskengine.data.keeping import keeper
from tests.authlevels.acme import NOON
from tests.riskengine.data.conftest import Bring
from tests.riskengine.data.maps import AUCKLAND, BERLIN, CITIES, PROVIDERS, place, write_mmdb

SOON = NOON + timedelta(minutes=1)


def see(ip: str, *, at: datetime = SOON) -> risk.Seen:
    return risk.see(at=at, ip=ip)


def test_without_any_data_the_network_alone_is_known(networks: Bring) -> None:
    assert see("203.0.113.7") == risk.Seen(network="203.0.113.0/24")


def test_an_mmdb_says_where_an_address_is_and_whose(networks: Bring, tmp_path: Path) -> None:
    networks("city", write_mmdb(tmp_path / "c", CITIES))
    networks("asn", write_mmdb(tmp_path / "a", PROVIDERS))
    here, there = see("203.0.113.7"), see("2001:db8::1")
    assert (here.country, here.place, here.asn) == ("DE", BERLIN, "AS64500")
    assert (there.country, there.place, there.asn) == ("NZ", AUCKLAND, "AS64501")
    assert see("198.51.100.1") == risk.Seen(network="198.51.100.0/24")


def test_an_mmdb_of_ipv4_alone_says_nothing_of_ipv6(networks: Bring, tmp_path: Path) -> None:
    networks("country", write_mmdb(tmp_path / "c", {"203.0.113.0/24": place("DE", BERLIN)}, ip_version=4))
    assert see("203.0.113.7").country == "DE"
    assert see("2001:db8::1").country is None


def test_csv_says_the_same_as_an_mmdb(networks: Bring) -> None:
    networks("city", "network,country,lat,lon\n203.0.113.0/24,DE,52.52,13.4\n2001:db8::/32,nz,-36.85,174.76\n")
    networks("asn", "203.0.113.0/24,64500\n2001:db8::/32,AS64501\n")
    here, there = see("203.0.113.7"), see("2001:db8::1")
    assert (here.country, here.asn, there.country, there.asn) == ("DE", "AS64500", "NZ", "AS64501")
    assert here.place == pytest.approx(BERLIN, abs=0.01)
    assert there.place == pytest.approx(AUCKLAND, abs=0.01)


def test_csv_may_name_first_and_last_and_the_smaller_network_speaks(networks: Bring) -> None:
    rows = "203.0.113.0,203.0.113.255,EU,DE\n203.0.113.64,203.0.113.127,EU,FR\n2001:db8::,2001:db8::ffff:ffff:ffff:ffff,EU,IT\n"
    networks("country", rows, columns=("first", "last", "-", "country"))
    assert [see(f"203.0.113.{last}").country for last in (63, 64, 127, 128)] == ["DE", "FR", "FR", "DE"]
    assert see("2001:db8::9").country == "IT"


def test_a_country_is_the_citys_before_the_countrys(networks: Bring) -> None:
    networks("city", "203.0.113.0/24,DE,52.5,13.4\n")
    networks("country", "203.0.113.0/24,FR\n198.51.100.0/24,FR\n")
    assert (see("203.0.113.7").country, see("198.51.100.7").country) == ("DE", "FR")


@pytest.mark.parametrize("ip", ["10.0.0.1", "192.168.1.1", "100.64.0.1", "fd00::1"])
def test_an_address_of_many_places_has_none(networks: Bring, ip: str) -> None:
    networks("country", "0.0.0.0/0,XX\n::/0,XX\n")
    assert see("203.0.113.7").country == "XX"
    seen = see(ip)
    assert seen.network is not None
    assert seen == risk.Seen(network=seen.network)


def test_an_address_mapped_into_ipv6_is_looked_up_as_what_it_is(networks: Bring, tmp_path: Path) -> None:
    networks("city", write_mmdb(tmp_path / "c", CITIES))
    networks("tor", "203.0.113.7\n")
    assert see("::ffff:203.0.113.7") == see("203.0.113.7")
    assert see("::ffff:203.0.113.7").network_class == "tor"


@pytest.mark.parametrize("kind", ["tor", "vpn", "hosting", "mobile", "business", "residential"])
def test_a_list_of_a_kind_of_network_names_its_kind(networks: Bring, kind: str) -> None:
    networks(kind, "203.0.113.0/24\n")
    assert see("203.0.113.7") == risk.Seen(network="203.0.113.0/24", network_class=kind)  # type: ignore[arg-type]  # one of them
    assert see("198.51.100.7").network_class is None


def test_of_several_kinds_the_one_that_hides_most_counts_and_a_relay_is_none_of_them(networks: Bring) -> None:
    networks("residential", "203.0.113.0/24\n")
    networks("hosting", "203.0.113.0/25\n")
    networks("vpn", "203.0.113.0/26\n")
    networks("tor", "203.0.113.1\n")
    networks("relay", "203.0.113.2,DE\n203.0.113.1\n")
    kinds = [see(f"203.0.113.{last}").network_class for last in (1, 2, 3, 100, 200)]
    assert kinds == ["tor", None, "vpn", "hosting", "residential"]
    assert see("203.0.113.2").is_relay


def test_satellites_and_listed_addresses_are_flagged_beside_their_kind(networks: Bring) -> None:
    networks("satellite", "203.0.113.0/24\n")
    networks("mobile", "203.0.113.0/24\n")
    networks("reputation", "203.0.113.7\n")
    seen = see("203.0.113.7")
    assert (seen.is_satellite, seen.is_listed, seen.network_class) == (True, True, "mobile")
    assert not see("203.0.113.8").is_listed


def test_an_entry_counts_until_its_end_and_not_a_moment_longer(networks: Bring) -> None:
    ends = NOON + timedelta(hours=2)
    networks(
        "reputation", f"203.0.113.7,{ends.isoformat()}\n203.0.113.0/24,{(ends - timedelta(hours=1)).isoformat()}\n"
    )
    assert see("203.0.113.7", at=ends - timedelta(seconds=1)).is_listed
    assert not see("203.0.113.7", at=ends).is_listed
    assert see("203.0.113.7", at=ends - timedelta(seconds=1)).is_listed
    assert see("203.0.113.8", at=ends - timedelta(hours=1, seconds=1)).is_listed
    assert not see("203.0.113.8", at=ends - timedelta(hours=1)).is_listed


def test_a_list_that_is_stale_blocks_nobody(networks: Bring) -> None:
    networks("reputation", "203.0.113.7\n", stale_after=timedelta(days=1))
    networks("tor", "203.0.113.8\n", stale_after=timedelta(days=1))
    networks("hosting", "203.0.113.0/24\n", stale_after=timedelta(days=1))
    before, after = NOON + timedelta(hours=23), NOON + timedelta(hours=24)
    assert (see("203.0.113.7", at=before).is_listed, see("203.0.113.8", at=before).network_class) == (True, "tor")
    assert (see("203.0.113.7", at=after).is_listed, see("203.0.113.8", at=after).network_class) == (False, "hosting")
    assert risk.stale_data(at=before) == []
    assert risk.stale_data(at=after) == ["hosting", "reputation", "tor"]


def test_a_map_that_is_stale_tells_the_country_and_no_place_to_have_travelled_from(networks: Bring) -> None:
    networks("city", "203.0.113.0/24,DE,52.52,13.4\n", stale_after=timedelta(days=1))
    before, after = see("203.0.113.7", at=NOON + timedelta(hours=23)), see("203.0.113.7", at=NOON + timedelta(days=1))
    assert before.place is not None
    assert (after.place, after.country) == (None, "DE")


def test_an_mmdb_is_as_old_as_it_says_itself(networks: Bring, tmp_path: Path) -> None:
    path = write_mmdb(tmp_path / "c", CITIES)
    networks("city", path, at=NOON + timedelta(days=100))
    assert risk.stale_data(at=NOON + timedelta(days=59)) == []
    assert risk.stale_data(at=NOON + timedelta(days=61)) == ["city"]


@pytest.mark.parametrize(
    "record",
    [
        *("text", 5, ["a"], {"country": "Germany"}, {"country": {"iso_code": 5}}, {"country": {"iso_code": "D\x00"}}),
        *({"location": {"latitude": "x", "longitude": 1.0}}, {"location": [1, 2]}, {"autonomous_system_number": "AS0"}),
        *(
            {"asn": "ASX"},
            {"asn": -5},
            {"location": {"latitude": 91.0, "longitude": 0.0}},
            {"country": {"iso_code": "ZZ"}},
        ),
    ],
    ids=str,
)
def test_a_record_that_says_something_else_says_nothing(networks: Bring, tmp_path: Path, record: Any) -> None:
    good = {f"198.51.{number}.0/24": place("DE", BERLIN) for number in range(3)}
    networks("city", write_mmdb(tmp_path / "c", {**good, "203.0.113.0/24": record}))
    assert see("203.0.113.7") == risk.Seen(network="203.0.113.0/24")
    assert see("198.51.1.7").country == "DE"


class _Broken:
    def find(self, _address: object) -> Any:
        raise ValueError("the file is broken here")


def test_a_map_that_is_broken_somewhere_says_nothing_there_and_stops_nobody(networks: Bring) -> None:
    networks("city", "203.0.113.0/24,DE,52.52,13.4\n")
    networks("tor", "203.0.113.7\n")
    atlas = keeper.atlas()
    held = atlas.maps["city"]
    broken = Atlas({"city": HeldMap(manifest=held.manifest, state=held.state, map=_Broken())}, atlas.lists)
    looks = broken.looks_of("203.0.113.7", at=SOON)
    assert (looks.country, looks.network_class) == (None, "tor")


def test_addresses_by_the_thousand_are_not_remembered_for_ever(networks: Bring) -> None:
    atlas = Atlas()
    for number in range(10_000):
        atlas.looks_of(f"203.{number >> 8}.{number & 255}.1", at=SOON)
    atlas.looks_of("x" * 100_000, at=SOON)
    assert len(atlas._known) < 8193
    assert "x" * 100_000 not in atlas._known
