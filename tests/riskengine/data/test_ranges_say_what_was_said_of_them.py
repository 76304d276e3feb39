"""Packed ranges say of each address what was said of it, and nothing of any other."""

from ipaddress import ip_network
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskengine.data.ranges import V4, V6, Ranges, Stretch, Unreadable, flat, highest, narrowest, packed, stretch_of

SMALL = st.integers(0, 60)
STRETCHES = st.lists(
    st.tuples(SMALL, SMALL, st.integers(0, 5)).map(lambda one: Stretch(min(one[:2]), max(one[:2]), one[2])), max_size=12
)


@given(STRETCHES)
def test_of_networks_that_overlap_the_highest_number_holds(stretches: list[Stretch]) -> None:
    ranges = Ranges(packed(stretches, [], rank=highest))
    for address in range(62):
        said = [one.says for one in stretches if one.first <= address <= one.last]
        assert ranges.find(address, V4) == (max(said) if said else None)


@given(STRETCHES)
def test_of_networks_that_overlap_the_smallest_speaks(stretches: list[Stretch]) -> None:
    ranges = Ranges(packed(stretches, [], rank=narrowest))
    for address in range(62):
        said = [(one.last - one.first, one.says) for one in stretches if one.first <= address <= one.last]
        found = ranges.find(address, V4)
        assert found is None if not said else (min(said)[0], found) in said


@given(STRETCHES)
def test_ranges_are_sorted_apart_and_no_longer_than_they_need_be(stretches: list[Stretch]) -> None:
    made = list(flat(stretches, rank=highest))
    for one, other in pairwise(made):
        assert one.last < other.first
        assert one.last + 1 < other.first or one.says != other.says


def test_an_address_of_ipv6_stands_for_its_whole_64() -> None:
    ranges = Ranges(packed([], [stretch_of(ip_network("2001:db8:0:1::7/128"), 9)], rank=highest))
    assert ranges.find(0x20010DB8000000010000000000000008, V6) == 9
    assert ranges.find(0x20010DB8000000020000000000000007, V6) is None


def test_the_last_address_of_all_can_be_listed() -> None:
    ranges = Ranges(packed([Stretch(2**32 - 1, 2**32 - 1, 2**64 - 1)], [Stretch(0, 2**64 - 1, 1)], rank=highest))
    assert ranges.find(2**32 - 1, V4) == 2**64 - 1
    assert ranges.find(2**128 - 1, V6) == 1


@pytest.mark.parametrize("cut", [0, 1, 23, 24, 30, -1])
def test_a_part_of_packed_ranges_is_not_taken_for_them(cut: int) -> None:
    whole = packed([Stretch(1, 2, 3)], [Stretch(4, 5, 6)], rank=highest)
    with pytest.raises(Unreadable):
        Ranges(whole[:cut])
    with pytest.raises(Unreadable):
        Ranges(b"\x00" * 24)
