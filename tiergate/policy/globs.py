"""Patterns of dotted names: ``*`` is any run of characters but dots, ``**`` any run at all; both may be empty."""

import re
from collections.abc import Collection
from typing import Final

from tiergate.policy.limits import MAX_GLOB

GLOB: Final = re.compile(r"(?:[A-Za-z0-9_.:/~+\-]|\*{1,2}(?!\*))+")
WITHIN: Final = "*"
ANY: Final = "**"


def is_glob(text: str) -> bool:
    """Say whether a text is a pattern that can be matched."""
    return len(text) <= MAX_GLOB and GLOB.fullmatch(text) is not None


def pieces(glob: str) -> tuple[str, ...]:
    """Cut a pattern into characters, `WITHIN` and `ANY`."""
    return tuple(re.findall(r"\*\*|.", glob))


def is_match(glob: tuple[str, ...], name: str) -> bool:
    """Say whether a name is of a pattern that was cut by `pieces`.

    All ways through the pattern are followed at once, so that no name costs more than its length times the pattern's.
    """
    reached = begun(glob)
    for character in name:
        reached = stepped(glob, reached, character)
        if not reached:
            return False
    return len(glob) in reached


def begun(glob: tuple[str, ...]) -> set[int]:
    """Give the places of a pattern that are reached before any character."""
    return _passed(glob, {0})


def stepped(glob: tuple[str, ...], reached: Collection[int], character: str) -> set[int]:
    """Give the places of a pattern that are reached by one character more."""
    ahead = set()
    for place in reached:
        if place < len(glob):
            piece = glob[place]
            if piece == ANY or (piece == WITHIN and character != "."):
                ahead.add(place)
            elif piece == character:
                ahead.add(place + 1)
    return _passed(glob, ahead)


def _passed(glob: tuple[str, ...], reached: set[int]) -> set[int]:
    """Add the places after stars that match nothing."""
    out = set(reached)
    for place in reached:
        ahead = place
        while ahead < len(glob) and glob[ahead] in {WITHIN, ANY}:
            ahead += 1
            out.add(ahead)
    return out


def first_part(glob: str) -> str | None:
    """Give the first dotted part of every name that matches; None where it varies."""
    part, dot, _ = glob.partition(".")
    return part if dot and "*" not in part else None
