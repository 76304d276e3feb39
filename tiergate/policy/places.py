"""Where a character of a YAML text stands in its file, whatever way the text is written."""

from collections.abc import Generator, Iterator, Sequence
from enum import StrEnum
from typing import Final


class Style(StrEnum):
    """How a text is written in YAML."""

    PLAIN = "plain"
    SINGLE = "'"
    DOUBLE = '"'
    LITERAL = "|"
    FOLDED = ">"


# A character of the text, and the line and column from 0 that it stands at.
type Placed = tuple[str, int, int]

_ESCAPED: Final = {"x": 2, "u": 4, "U": 8}


def place_of(
    lines: Sequence[str], start: tuple[int, int], end: tuple[int, int], *, style: Style, text: str, index: int
) -> tuple[int, int]:
    """Tell where the character at ``index`` of a text stands; one past its end stands behind its last.

    lines: of the file. start, end: where the text begins and has ended, as the parser says. What is read off the
    lines must be the very text; where it is not, the answer is ``start``.
    """
    placed = list(_placed(lines, start, end, style))
    if style in {Style.LITERAL, Style.FOLDED}:
        # However many empty lines end the block, the text says how many count.
        placed = placed[: len(text)]
    if not _is_same(placed, text):
        return start
    if index < len(placed):
        return placed[index][1:]
    if not placed:
        return start
    _, line, column = placed[-1]
    return line, column + 1


def _is_same(placed: list[Placed], text: str) -> bool:
    return len(placed) == len(text) and all(one[0] in {char, ""} for one, char in zip(placed, text, strict=True))


def _placed(lines: Sequence[str], start: tuple[int, int], end: tuple[int, int], style: Style) -> Iterator[Placed]:
    match style:
        case Style.LITERAL:
            yield from _literal(lines, start, end)
        case Style.FOLDED:
            yield from _folded(lines, start, end)
        case _:
            yield from _flow(lines, start, end, style)


def _block(lines: Sequence[str], start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int, str]]:
    """List a block's lines as (number, indentation that is cut off, rest), empty ones before and after included."""
    last = min(end[0] + (end[1] > 0), len(lines))
    numbers = range(start[0] + 1, last)
    header = lines[start[0]][start[1] + 1 :].split("#")[0]
    given = [int(one) for one in header if one.isdigit()]
    widths = [len(lines[one]) - len(lines[one].lstrip(" ")) for one in numbers if lines[one].strip(" ")]
    if not widths:
        return [(one, 0, "") for one in numbers]
    cut = widths[0] if not given else _indent_of_parent(lines[start[0]]) + given[0]
    return [(one, cut, lines[one][cut:]) for one in numbers]


def _indent_of_parent(line: str) -> int:
    """Count the columns before the key that a block belongs to, dashes of a list included."""
    return len(line) - len(line.lstrip(" -"))


def _literal(lines: Sequence[str], start: tuple[int, int], end: tuple[int, int]) -> Iterator[Placed]:
    for number, cut, rest in _block(lines, start, end):
        for column, character in enumerate(rest):
            yield character, number, cut + column
        yield "\n", number, cut + len(rest)


def _folded(lines: Sequence[str], start: tuple[int, int], end: tuple[int, int]) -> Iterator[Placed]:
    """Go through a `>` block: single ends between lines that are not indented further read as a space."""
    block = _block(lines, start, end)
    for place, (number, cut, rest) in enumerate(block):
        for column, character in enumerate(rest):
            yield character, number, cut + column
        following = next((one for one in block[place + 1 :] if one[2]), None)
        empty = place + 1 < len(block) and not block[place + 1][2]
        is_kept = not rest or rest[0] in " \t" or following is None or following[2][0] in " \t"
        if is_kept:
            yield "\n", number, cut + len(rest)
        elif not empty:
            yield " ", number, cut + len(rest)


def _flow(lines: Sequence[str], start: tuple[int, int], end: tuple[int, int], style: Style) -> Iterator[Placed]:
    """Go through a plain or quoted text: white space around an end of line is one space, or the empty lines' ends."""
    (first, opening), (last, closing) = start, end
    quote = 0 if style == Style.PLAIN else 1
    empty: list[Placed] = []
    joint: Placed | None = None
    for number in range(first, last + 1):
        line = lines[number]
        begin = opening + quote if number == first else len(line) - len(line.lstrip(" \t"))
        stop = closing - quote if number == last else len(line)
        if number != last:
            cut = len(line[:stop].rstrip(" \t"))
            # An escaped blank at the end of a line is kept: `\ ` is no white space to fold.
            stop = max(begin, cut)
        if number not in (first, last) and begin >= stop:
            empty.append(("\n", number, 0))
            continue
        if number != first:
            yield from empty or ([joint] if joint is not None else [])
            empty = []
        is_joined = yield from _characters(line, number, begin, stop, style)
        joint = (" ", number, stop) if is_joined else None


def _characters(line: str, number: int, begin: int, stop: int, style: Style) -> Generator[Placed, None, bool]:
    """Go through one line's part of a text; say whether what follows is joined to it with a space."""
    at = begin
    while at < stop:
        character = line[at]
        if style == Style.SINGLE and character == "'":
            yield "'", number, at
            at += 2
        elif style == Style.DOUBLE and character == "\\":
            if at + 1 >= stop:
                return False
            # "" stands for whatever the escape means.
            yield "", number, at
            at += 2 + _ESCAPED.get(line[at + 1], 0)
        else:
            yield character, number, at
            at += 1
    return True
