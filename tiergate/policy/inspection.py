"""What a checked expression may be made of, beyond what CEL checks: the schema's values, and a bounded cost."""

import re
from collections.abc import Callable
from typing import Final

from tiergate.policy import limits
from tiergate.policy.schema import FIELDS, FUNCTIONS, GROUPS, Field, Kind
from tiergate.policy.tree import Call, Each, Items, Literal, Name, Node, Other, parts, walk

_EQUALS: Final = frozenset({"_==_", "_!=_"})
_ORDERS: Final = frozenset({"_<_", "_<=_", "_>_", "_>=_"})
_REPEATED: Final = re.compile(r"\{(\d+)?(?:,(\d+)?)?\}")
_CLOCK: Final = "get"
_WITH_ZONE: Final = 2


class Inspection:
    """Goes once through a tree.

    text: the expression itself. is_sound: says whether a text is fit for ``matches``, ``zone``, ``timestamp`` or
    ``duration``. errors: (place in the text, what is wrong). fields: what the expression reads.
    """

    def __init__(self, text: str, is_sound: Callable[[str, str], bool]) -> None:
        self._text = text
        self._is_sound = is_sound
        self.errors: list[tuple[int, str]] = []
        self.fields: set[str] = set()

    def inspect(self, tree: Node) -> None:
        """Go through a whole expression."""
        self._visit(tree, within=None)
        if steps_of(tree) > limits.MAX_STEPS:
            self.errors.append((0, f"this may take more than {limits.MAX_STEPS} steps: say it with less"))

    def _visit(self, node: Node, *, within: str | None) -> None:
        """Look at a node. within: the variable of the macro that it stands in; None outside."""
        match node:
            case Name():
                self._name(node, within)
            case Call():
                self._call(node, within)
            case Items():
                self._parts(node, within)
            case Each():
                self._each(node, within)
            case Other():
                self._refuse(node, f"{node.what} is not for rules")

    def _parts(self, node: Node, within: str | None) -> None:
        for part in parts(node):
            self._visit(part, within=within)

    def _name(self, node: Name, within: str | None, *, is_compared: bool = False) -> None:
        field = FIELDS.get(node.name)
        if field is None:
            if node.name != within:
                self._refuse(node, f"{node.name} is nothing that rules may read")
            return
        self.fields.add(node.name)
        # INVARIANT: CEL gives has(a.b) of a variable `a.b` as its value, and the tree says nothing of it but the place:
        # a name that was written out stands at its dot.
        if self._text[node.at : node.at + 1] != ".":
            self._refuse(node, f"has() does not tell whether {node.name} is known")
        elif field.values and not is_compared:
            self._refuse(node, f"{_only(field)}; it is compared by ==, != or in with a text that is written out")

    def _each(self, node: Each, within: str | None) -> None:
        self._visit(node.over, within=within)
        if within is not None:
            self._refuse(node, f"{node.macro} does not stand within another such")
            return
        if node.variable in GROUPS:
            self._refuse(
                node, f"{node.variable} is a name of the schema: call what {node.macro} goes through otherwise"
            )
        self._visit(node.body, within=node.variable)

    def _call(self, node: Call, within: str | None) -> None:
        if node.function not in FUNCTIONS:
            if node.function != "@not_strictly_false":
                self._refuse(node, f"{node.function.strip('_@')} is not for rules")
            return
        if node.function == "matches":
            self._pattern(node, within)
        elif node.function.startswith(_CLOCK):
            self._clock(node)
        elif node.function in {"timestamp", "duration"}:
            self._literal(node, node.function)
        elif node.function in {"_/_", "_%_"} and _is_nought(node.arguments[1]):
            self._refuse(node, "nothing is divided by 0")
        elif node.function == "_+_" and within is not None and node.kind not in {"int", "double"}:
            self._refuse(node, "texts and lists are not put together within all, exists, exists_one or filter")
        if not self._is_comparison(node):
            self._parts(node, within)

    def _is_comparison(self, node: Call) -> bool:
        """Say whether this compares a field that has known values with literals, and check them; then it is done."""
        if node.function in _EQUALS | _ORDERS:
            one, other = node.arguments
            field = _field_of(one)
            literals: tuple[Node, ...] = (other,)
            if field is None:
                field, literals = _field_of(other), (one,)
        elif node.function == "@in" and isinstance(node.arguments[1], Items):
            field, literals = _field_of(node.arguments[0]), node.arguments[1].items
        else:
            return False
        if field is None or not all(isinstance(one, Literal) for one in literals):
            return False
        for one in literals:
            if isinstance(one, Literal):
                self._value(field, one)
        if field.values and node.function in _ORDERS:
            return False
        for part in node.arguments:
            if isinstance(part, Name):
                self._name(part, None, is_compared=True)
        return True

    def _value(self, field: Field, literal: Literal) -> None:
        value = literal.value
        if field.values and value not in field.values:
            self._refuse(literal, f"{_only(field)}, never {value!r}")
        elif isinstance(value, int | float) and field.kind in {Kind.INT, Kind.DOUBLE} and not field.admits(value):
            self._refuse(
                literal,
                f"{field.name} goes from {field.lowest} to {field.highest}, never to {value}".replace(
                    " to None", " up"
                ),
            )

    def _pattern(self, node: Call, within: str | None) -> None:
        pattern = node.arguments[1]
        if within is not None:
            self._refuse(node, "matches does not stand within another such: startsWith, endsWith and contains do")
        if not isinstance(pattern, Literal) or not isinstance(pattern.value, str):
            self._refuse(pattern, "the pattern of matches is a text that is written out")
            return
        repeats = 1
        for fewest, most in _REPEATED.findall(pattern.value):
            repeats *= max(1, min(int(most or fewest or 1), limits.MAX_REPEATS + 1))
        if len(pattern.value) > limits.MAX_PATTERN or repeats > limits.MAX_REPEATS:
            self._refuse(
                pattern, f"a pattern has at most {limits.MAX_PATTERN} characters and {limits.MAX_REPEATS} repetitions"
            )
        elif not self._is_sound("matches", pattern.value):
            self._refuse(pattern, "this is no regular expression (RE2)")

    def _clock(self, node: Call) -> None:
        if len(node.arguments) < _WITH_ZONE:
            return
        zone = node.arguments[1]
        if isinstance(zone, Literal) and isinstance(zone.value, str):
            if not self._is_sound("zone", zone.value):
                self._refuse(zone, "there is no such time zone")
        elif not isinstance(zone, Name) or zone.name != "time.zone":
            self._refuse(zone, "a time zone is written out, or time.zone")

    def _literal(self, node: Call, kind: str) -> None:
        given = node.arguments[0]
        if isinstance(given, Literal) and isinstance(given.value, str) and not self._is_sound(kind, given.value):
            self._refuse(given, f"this is no {kind}")

    def _refuse(self, node: Node, message: str) -> None:
        self.errors.append((node.at, message))


def steps_of(tree: Node) -> int:
    """Count the steps that an expression may take at the most, with lists as long as they may be."""
    if not isinstance(tree, Each):
        return 1 + sum(map(steps_of, parts(tree)))
    length = len(tree.over.items) if isinstance(tree.over, Items) else limits.MAX_ITEMS
    return 1 + steps_of(tree.over) + length * sum(1 for _ in walk(tree.body))


def _field_of(node: Node) -> Field | None:
    return FIELDS.get(node.name) if isinstance(node, Name) else None


def _is_nought(node: Node) -> bool:
    return isinstance(node, Literal) and node.value == 0


def _only(field: Field) -> str:
    return f"{field.name} is one of {', '.join(field.values)}"
