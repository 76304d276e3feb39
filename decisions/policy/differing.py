"""How one bundle's files differ from another's, as people read it, in a time that no bundle can stretch."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

CONTEXT: Final = 3
# How often what lies between two lines that stand once in both is looked through again. What is left after that, or has
# no such line, is shown as taken away and put in its place: to seek the shortest way takes a square of its length.
_DEEPEST: Final = 4

type Kept = tuple[int, int, int]


def differences(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """Tell in unified form what is taken away and added between two bundles' files; "" where they are the same.

    old, new: text by path.
    """
    told: list[str] = []
    for path in sorted({*old, *new}):
        if old.get(path) != new.get(path):
            told += _of_file(path, old.get(path), new.get(path))
    return "".join(f"{line}\n" for line in told)


def _of_file(path: str, old: str | None, new: str | None) -> Iterator[str]:
    yield f"--- {'/dev/null' if old is None else f'a/{path}'}"
    yield f"+++ {'/dev/null' if new is None else f'b/{path}'}"
    before, after = _lines(old), _lines(new)
    for group in _groups(_steps(before, after), len(before), len(after)):
        yield f"@@ -{_span(group[0][0], group[-1][1])} +{_span(group[0][2], group[-1][3])} @@"
        for i, j, k, end, is_kept in group:
            if is_kept:
                yield from (f" {line}" for line in before[i:j])
            else:
                yield from (f"-{line}" for line in before[i:j])
                yield from (f"+{line}" for line in after[k:end])


def _lines(text: str | None) -> list[str]:
    return [] if not text else text.removesuffix("\n").split("\n")


def _span(begin: int, end: int) -> str:
    """Write a span of lines, counted from 1; of none, the line before it."""
    count = end - begin
    return f"{begin + 1 if count else begin}" if count == 1 else f"{begin + 1 if count else begin},{count}"


type Step = tuple[int, int, int, int, bool]


def _steps(before: Sequence[str], after: Sequence[str]) -> Iterator[Step]:
    """Give, in order, what is kept and what is put in the place of what."""
    i = k = 0
    for at, to, length in [*sorted(_kept(before, after)), (len(before), len(after), 0)]:
        if i < at or k < to:
            yield i, at, k, to, False
        if length:
            yield at, at + length, to, to + length, True
        i, k = at + length, to + length


def _groups(steps: Iterator[Step], before: int, after: int) -> Iterator[list[Step]]:
    """Cut away what is kept further than some lines from anything that is not."""
    group: list[Step] = []
    for i, j, k, end, is_kept in steps:
        if not is_kept:
            group.append((i, j, k, end, False))
            continue
        if group:
            head = min(CONTEXT, j - i)
            if j - i <= 2 * CONTEXT and not (j == before and end == after):
                group.append((i, j, k, end, True))
                continue
            yield [*group, (i, i + head, k, k + head, True)]
        tail = max(i, j - CONTEXT)
        group = [(tail, j, end - (j - tail), end, True)]
    if any(not is_kept for *_, is_kept in group):
        yield group


def _kept(before: Sequence[str], after: Sequence[str]) -> Iterator[Kept]:
    """Find runs of lines that stay: around lines that stand once in both, as people look for them."""
    ranges = [(0, len(before), 0, len(after), 0)]
    while ranges:
        i, j, k, end, depth = ranges.pop()
        start = i
        while i < j and k < end and before[i] == after[k]:
            i, k = i + 1, k + 1
        if i > start:
            yield start, k - (i - start), i - start
        stop = j
        while i < j and k < end and before[j - 1] == after[end - 1]:
            j, end = j - 1, end - 1
        if j < stop:
            yield j, end, stop - j
        anchors = _anchors(before[i:j], after[k:end]) if depth < _DEEPEST else []
        if anchors:
            # Each part begins with its anchor, which is then the first that stays.
            bounds = zip([(0, 0), *anchors], [*anchors, (j - i, end - k)], strict=True)
            ranges += [(i + a, i + c, k + b, k + d, depth + 1) for (a, b), (c, d) in bounds]


def _anchors(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int]]:
    """List lines that stand once in both, as many as are in the same order in both."""
    once_before, once_after = Counter(before), Counter(after)
    places = {line: number for number, line in enumerate(after) if once_after[line] == 1}
    pairs = [(n, places[line]) for n, line in enumerate(before) if once_before[line] == 1 and line in places]
    ends: list[int] = []
    tops: list[int] = []
    back: list[int] = []
    for number, (_, place) in enumerate(pairs):
        pile = bisect_left(ends, place)
        back.append(tops[pile - 1] if pile else -1)
        ends[pile : pile + 1] = [place]
        tops[pile : pile + 1] = [number]
    found, number = [], tops[-1] if tops else -1
    while number >= 0:
        found.append(pairs[number])
        number = back[number]
    return found[::-1]
