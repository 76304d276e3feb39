"""A checked CEL expression as a tree: what Google's CEL serialises (cel.expr.CheckedExpr), read without its messages.

The parts that rules may use have a class each; anything else is `Other`, and refused where it matters.
"""

import struct
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from tiergate.policy.wire import Fields, read_fields

MAX_DEPTH: Final = 60


class Literal(NamedTuple):
    """A constant. kind: bool, int, double or string. at: where it begins, in characters of the expression."""

    value: bool | int | float | str
    kind: str
    at: int


class Name(NamedTuple):
    """A field of the schema, or the variable of an enclosing `Each`."""

    name: str
    kind: str
    at: int


class Call(NamedTuple):
    """A function or operator by CEL's own name, e.g. ``_&&_``, ``@in``, ``startsWith``.

    arguments: the target of a method comes first. kind: what it gives.
    """

    function: str
    arguments: tuple["Node", ...]
    kind: str
    at: int


class Items(NamedTuple):
    """A list that is written out."""

    items: tuple["Node", ...]
    kind: str
    at: int


class Each(NamedTuple):
    """One of CEL's macros over a list. macro: all, exists, exists_one or filter."""

    macro: str
    variable: str
    over: "Node"
    body: "Node"
    kind: str
    at: int


class Other(NamedTuple):
    """What rules may not use, by a word for it."""

    what: str
    parts: tuple["Node", ...]
    kind: str
    at: int


type Node = Literal | Name | Call | Items | Each | Other


def read_tree(serialized: bytes) -> Node:
    """Read a serialised checked expression.

    serialized: a google.protobuf.Any that holds a cel.expr.CheckedExpr.

    :raises ValueError: it goes deeper than `MAX_DEPTH`, or is none.
    """
    checked = read_fields(read_fields(serialized).one(2))
    types = {_entry_id(entry): _kind(read_fields(entry.one(2))) for entry in checked.messages(3)}
    at = {_entry_id(entry): entry.integer(2) for entry in checked.message(5).messages(4)}
    return _Reader(types, at).read(checked.message(4), 0)


def walk(node: Node) -> Iterator[Node]:
    """Go through a tree, each node before its parts."""
    yield node
    for part in parts(node):
        yield from walk(part)


def parts(node: Node) -> tuple[Node, ...]:
    """List what a node is directly made of."""
    match node:
        case Call():
            return node.arguments
        case Items():
            return node.items
        case Each():
            return (node.over, node.body)
        case Other():
            return node.parts
        case _:
            return ()


_PRIMITIVES: Final = {1: "bool", 2: "int", 3: "uint", 4: "double", 5: "string", 6: "bytes"}
_WELL_KNOWN: Final = {1: "any", 2: "timestamp", 3: "duration"}


def _kind(found: Fields) -> str:
    if found.has(3):
        return _PRIMITIVES.get(found.integer(3), "other")
    if found.has(5):
        return _WELL_KNOWN.get(found.integer(5), "other")
    if found.has(6):
        return f"list({_kind(found.message(6).message(1))})"
    return "other"


def _entry_id(entry: Fields) -> int:
    return entry.integer(1)


class _Reader:
    def __init__(self, types: Mapping[int, str], at: Mapping[int, int]) -> None:
        self._types = types
        self._at = at

    def read(self, found: Fields, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise ValueError(f"the expression goes deeper than {MAX_DEPTH}")
        number = found.integer(2)
        kind, at = self._types.get(number, "other"), self._at.get(number, 0)
        read: Node
        # The number says which kind of expression it is.
        if found.has(3):
            read = _literal(found.message(3), at)
        elif found.has(4):
            read = Name(found.message(4).text(1), kind, at)
        elif found.has(6):
            read = self._call(found.message(6), kind, at, depth)
        elif found.has(7):
            read = Items(tuple(self.read(one, depth + 1) for one in found.message(7).messages(1)), kind, at)
        elif found.has(9):
            read = self._each(found.message(9), kind, at, depth)
        elif found.has(5):
            read = Other("has()" if found.message(5).has(3) else "a member of a map", (), kind, at)
        else:
            read = Other("a map or message" if found.has(8) else "this", (), kind, at)
        return read

    def _call(self, call: Fields, kind: str, at: int, depth: int) -> Call:
        given = ([call.message(1)] if call.has(1) else []) + call.messages(3)
        return Call(call.text(2), tuple(self.read(one, depth + 1) for one in given), kind, at)

    def _each(self, loop: Fields, kind: str, at: int, depth: int) -> Node:
        """Tell which macro a comprehension was written as, by the shape that CEL gives to each."""
        variable, over = loop.text(1), self.read(loop.message(2), depth + 1)
        start, step = self.read(loop.message(4), depth + 1), self.read(loop.message(6), depth + 1)
        found = None if loop.has(8) else _macro(variable, start, step)
        if found is None:
            return Other("this macro", (over, step), kind, at)
        return Each(found[0], variable, over, found[1], kind, at)


def _macro(variable: str, start: Node, step: Node) -> tuple[str, Node] | None:
    match start, step:
        case Literal(value=False), Call(function="_||_", arguments=(Name(), body)):
            return "exists", body
        case Literal(value=True), Call(function="_&&_", arguments=(Name(), body)):
            return "all", body
        case Literal(kind="int"), Call(function="_?_:_", arguments=(body, _, Name())):
            return "exists_one", body
        case Items(items=()), Call(function="_?_:_", arguments=(body, Call(arguments=(_, Items(items=(kept,)))), _)):
            return ("filter", body) if isinstance(kept, Name) and kept.name == variable else None
    return None


def _literal(constant: Fields, at: int) -> Node:
    if constant.has(2):
        return Literal(constant.integer(2) != 0, "bool", at)
    if constant.has(3):
        return Literal(constant.integer(3), "int", at)
    if constant.has(5):
        return Literal(struct.unpack("<d", constant.one(5))[0], "double", at)
    if constant.has(6):
        return Literal(constant.text(6), "string", at)
    return Other("null" if constant.has(1) else "a literal of this type", (), "other", at)
