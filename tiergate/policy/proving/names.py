"""Names told apart by patterns alone: all that there can be fall into a few classes, each with one name that stands for it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from tiergate.policy.globs import ANY, WITHIN, begun, stepped
from tiergate.policy.tree import Call, Items, Literal, Name, Node

type Pattern = tuple[str, ...]
"""A pattern as `tiergate.policy.globs.pieces` cuts it."""

# How many places in patterns are gone through at the most: a second or so.
MAX_STEPS: Final = 400_000
_OTHERS: Final = "xyzabcdefghijklmnopqrstuvw0123456789"


class Class(NamedTuple):
    """Names that match the same patterns. name: one of them; "" stands for itself alone."""

    name: str
    patterns: frozenset[Pattern]


@lru_cache(maxsize=64)
def tell_apart(patterns: frozenset[Pattern]) -> Sequence[Class] | None:
    """Divide all names that there can be into classes by the patterns that they match; None where those are too many.

    Each name is of one class, and each class has a name.
    """
    ordered = sorted(patterns)
    written = {piece for pattern in ordered for piece in pattern if piece not in {ANY, WITHIN}}
    other = next((one for one in _OTHERS if one not in written), None)
    if other is None:
        return None
    start = _started(ordered)
    seen: set[_Reached] = set()
    steps = 0
    classes: dict[frozenset[Pattern], str] = {}
    # A name that begins with a dot stands for others only where no other does.
    for ways in ([(start, "")], [(_gone(ordered, start, "."), ".")]):
        for reached, name in ways:
            # The empty name is a class of its own, also where others lead back to where it stands.
            if name:
                if reached in seen:
                    continue
                seen.add(reached)
                classes.setdefault(_ended(ordered, reached), name)
            # All characters that nobody asks for lead the same way; a dot is asked for by every star.
            asked = {ordered[number][place] for number, place in reached if place < len(ordered[number])} - {
                ANY,
                WITHIN,
            }
            for character in (other, *sorted(asked | {"."} if name else asked - {"."})):
                steps += 1 + len(reached)
                if steps > MAX_STEPS:
                    return None
                ways.append((_gone(ordered, reached, character), name + character))
    return (Class("", _ended(ordered, start)), *(Class(name, matched) for matched, name in classes.items()))


type _Reached = frozenset[tuple[int, int]]


def _started(patterns: Sequence[Pattern]) -> _Reached:
    return frozenset((number, place) for number, pattern in enumerate(patterns) for place in begun(pattern))


def _gone(patterns: Sequence[Pattern], reached: _Reached, character: str) -> _Reached:
    by_pattern: dict[int, set[int]] = {}
    for number, place in reached:
        by_pattern.setdefault(number, set()).add(place)
    return frozenset(
        (number, place)
        for number, places in by_pattern.items()
        for place in stepped(patterns[number], places, character)
    )


def _ended(patterns: Sequence[Pattern], reached: _Reached) -> frozenset[Pattern]:
    return frozenset(patterns[number] for number, place in reached if place == len(patterns[number]))


class Asked(NamedTuple):
    """A question about a name that patterns answer: whether it is of one of them, or, where ``is_not``, of none."""

    name: str
    patterns: Sequence[Pattern]
    is_not: bool = False


def read_question(node: Node) -> Asked | None:
    """Read a part of a condition as such a question; None where it is another, or of a text with stars of its own."""
    match node:
        case Call(function="_==_" | "_!=_" as function, arguments=(Name(name=name), Literal(value=str() as text))):
            return _asked(name, [text], is_not=function == "_!=_")
        case Call(function="_==_" | "_!=_" as function, arguments=(Literal(value=str() as text), Name(name=name))):
            return _asked(name, [text], is_not=function == "_!=_")
        case Call(function="@in", arguments=(Name(name=name), Items(items=items))):
            texts = [one.value for one in items if isinstance(one, Literal) and isinstance(one.value, str)]
            return _asked(name, texts) if len(texts) == len(items) else None
        case Call(function=function, arguments=(Name(name=name), Literal(value=str() as text))) if function in _STARS:
            return _asked(name, [text], stars=_STARS[function])
    return None


# Whether any text may stand before it, and after it.
_STARS: Final[Mapping[str, tuple[Pattern, Pattern]]] = {
    "startsWith": ((), (ANY,)),
    "endsWith": ((ANY,), ()),
    "contains": ((ANY,), (ANY,)),
}


def _asked(
    name: str, texts: Sequence[str], *, stars: tuple[Pattern, Pattern] = ((), ()), is_not: bool = False
) -> Asked | None:
    if any("*" in text for text in texts):
        return None
    return Asked(name, [(*stars[0], *text, *stars[1]) for text in texts], is_not)
