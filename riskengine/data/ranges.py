"""Ranges of addresses that each say one number: packed, so that they are mapped or fetched and never read in.

IPv6 is kept by /64: that is what one household or host has, and what people are counted by. What is said of any
address in it is said of all.
"""

import struct
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from ipaddress import IPv4Network, IPv6Network
from typing import Final, NamedTuple

V4: Final = 32
V6: Final = 128
_KEPT_V6: Final = 64
_MAGIC: Final = 0x7467_7261_6E67_6531  # b"tgrange1", read as a number: a host of another byte order sees another one
_HEAD: Final = struct.Struct("=QQQ")
_BYTES: Final = 8


class Stretch(NamedTuple):
    """From one address to another, both within, and what it says: 0 to 2^64 - 1. Addresses of IPv6 are their first 64 bits."""

    first: int
    last: int
    says: int


class Unreadable(ValueError):
    """What should be packed ranges is something else, or a part of it is missing."""


def stretch_of(network: IPv4Network | IPv6Network, says: int) -> Stretch:
    """Make a network a stretch."""
    shift = V6 - _KEPT_V6 if network.version == 6 else 0  # noqa: PLR2004 - the version
    return Stretch(int(network.network_address) >> shift, int(network.broadcast_address) >> shift, says)


class Ranges:
    """Sorted stretches that do not overlap, asked in about a microsecond; made by `packed`."""

    __slots__ = ("_four", "_six", "count")

    def __init__(self, content: bytes | memoryview) -> None:
        """Take what `packed` made, without copying it.

        :raises Unreadable: it is not that, or not all of it.
        """
        view = memoryview(content)
        if len(view) < _HEAD.size:
            raise Unreadable("It ends before it begins.")
        magic, four, six = _HEAD.unpack_from(view)
        if magic != _MAGIC:
            raise Unreadable("It is something else, or of another kind of machine.")
        if len(view) != _HEAD.size + 3 * _BYTES * (four + six):
            raise Unreadable("A part of it is missing.")
        numbers = view[_HEAD.size :].cast("Q")
        self._four = (numbers[:four], numbers[four : 2 * four], numbers[2 * four : 3 * four])
        rest = numbers[3 * four :]
        self._six = (rest[:six], rest[six : 2 * six], rest[2 * six :])
        self.count: int = four + six

    def find(self, number: int, bits: int) -> int | None:
        """Return what is said of an address; None where nothing is.

        number: the address as a whole number. bits: 32 or 128.
        """
        if bits == V4:
            firsts, lasts, says = self._four
        else:
            firsts, lasts, says = self._six
            number >>= V6 - _KEPT_V6
        place = bisect_right(firsts, number) - 1
        return says[place] if place >= 0 and number <= lasts[place] else None


def packed(four: Iterable[Stretch], six: Iterable[Stretch], *, rank: Callable[[Stretch], int]) -> bytes:
    """Pack stretches of IPv4 and of IPv6 for `Ranges`.

    rank: which of several that overlap speaks: that of the least rank.
    """
    content = bytearray()
    counts = []
    for stretches in (four, six):
        columns = (array("Q"), array("Q"), array("Q"))
        for one in flat(stretches, rank=rank):
            for column, number in zip(columns, one, strict=True):
                column.append(number)
        counts.append(len(columns[0]))
        for column in columns:
            content += column.tobytes()
    return _HEAD.pack(_MAGIC, *counts) + bytes(content)


def narrowest(one: Stretch) -> int:
    """Rank stretches so that what is said of the smaller network holds there."""
    return one.last - one.first


def highest(one: Stretch) -> int:
    """Rank stretches so that the highest number holds."""
    return -one.says


def flat(stretches: Iterable[Stretch], *, rank: Callable[[Stretch], int]) -> Iterator[Stretch]:
    """Sort stretches, and of those that overlap have the one of the least rank speak; neighbours that say the same become one."""
    waiting = sorted(stretches)
    speaking: list[tuple[int, int, int]] = []  # rank, last, says
    before: Stretch | None = None
    at = following = 0
    while following < len(waiting) or speaking:
        if not speaking:
            at = max(at, waiting[following].first)
        while following < len(waiting) and waiting[following].first <= at:
            one = waiting[following]
            heappush(speaking, (rank(one), one.last, one.says))
            following += 1
        while speaking and speaking[0][1] < at:
            heappop(speaking)
        if not speaking:
            continue
        _, last, says = speaking[0]
        until = last if following == len(waiting) else min(last, waiting[following].first - 1)
        if before is not None and before.last + 1 == at and before.says == says:
            before = Stretch(before.first, until, says)
        else:
            if before is not None:
                yield before
            before = Stretch(at, until, says)
        at = until + 1
    if before is not None:
        yield before
