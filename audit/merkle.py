"""How the tree grows, and how its proofs are made: RFC 6962 section 2.1, without a database.

The hashing itself is `audit.verifier`'s, which must stand in one file.

Of the tree's nodes only every eighth level is kept: the leaves, the nodes over 256 of them, over 65,536, and so on.
Nodes between are hashed from those when a proof needs them, so that it reads a few times 256 hashes at most, and a
trail of n entries keeps n/255 nodes beside its leaves.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from audit.verifier import EMPTY_ROOT, node_hash

TILE_LEVELS: Final = 8
TILE: Final = 1 << TILE_LEVELS

type Read = Callable[[int, int, int], Mapping[int, bytes]]
"""``read(level, first, count)``: hashes by position, of those that are kept at a level that is a multiple of eight."""


@dataclass(slots=True)
class Frontier:
    """The right edge of a growing tree: the hashes of the whole trees that it is made of, largest first."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    def append(self, leaf: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Add a leaf's hash, and yield the nodes to be kept that are whole with it: (level, position, hash)."""
        found, level, position = leaf, 0, self.size
        self.size += 1
        while position & 1:
            found = node_hash(self.peaks.pop(), found)
            level, position = level + 1, position >> 1
            if level % TILE_LEVELS == 0:
                yield level, position, found
        self.peaks.append(found)

    def root(self) -> bytes:
        """Compute the root over all leaves so far."""
        return _bag(self.peaks) if self.peaks else EMPTY_ROOT


def inclusion_ranges(position: int, size: int) -> list[tuple[int, int]]:
    """List the ranges of leaves whose roots prove a leaf's place, the nearest first: RFC 6962 section 2.1.1."""
    first, end, ranges = 0, size, []
    while end - first > 1:
        middle = first + _largest_power_below(end - first)
        if position < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((first, middle))
            first = middle
    return ranges[::-1]


def consistency_ranges(old: int, new: int) -> list[tuple[int, int]]:
    """List the ranges of leaves whose roots prove that a tree has only grown: RFC 6962 section 2.1.2."""
    if not 0 < old < new:
        return []
    first, end, ranges, is_whole = 0, new, [], True
    while old != end:
        middle = first + _largest_power_below(end - first)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((first, middle))
            first, is_whole = middle, False
    if not is_whole:
        ranges.append((first, end))
    return ranges[::-1]


class Tree:
    """A tree that is kept somewhere: hashes what lies between the levels that are kept, and remembers it.

    A hash that should be kept and is not is a KeyError.
    """

    def __init__(self, read: Read) -> None:
        self._tile = lru_cache(64)(lambda level, tile: read(level, tile * TILE, TILE))
        self._whole = lru_cache(16_384)(self._hashed)

    def root_of_range(self, first: int, end: int) -> bytes:
        """Compute the root over the leaves from ``first`` up to ``end``, one of the ranges that proofs are made of."""
        return _bag([self._whole(*whole) for whole in _cover(first, end)]) if end > first else EMPTY_ROOT

    def inclusion_path(self, position: int, size: int) -> list[bytes]:
        """Prove that a leaf is in the tree of that size."""
        return [self.root_of_range(*one) for one in inclusion_ranges(position, size)]

    def consistency_path(self, old: int, new: int) -> list[bytes]:
        """Prove that the tree of size ``new`` begins as that of size ``old``."""
        return [self.root_of_range(*one) for one in consistency_ranges(old, new)]

    def _hashed(self, level: int, position: int) -> bytes:
        if level % TILE_LEVELS == 0:
            return self._tile(level, position // TILE)[position]
        return node_hash(self._whole(level - 1, 2 * position), self._whole(level - 1, 2 * position + 1))


def _cover(first: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the whole trees that a range is made of, largest first, by level and place in it."""
    while first < end:
        level = (end - first).bit_length() - 1
        yield level, first >> level
        first += 1 << level


def _bag(peaks: Sequence[bytes]) -> bytes:
    *others, found = peaks
    for peak in reversed(others):
        found = node_hash(peak, found)
    return found


def _largest_power_below(count: int) -> int:
    return 1 << ((count - 1).bit_length() - 1)
