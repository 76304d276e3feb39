"""What a YAML file is read as: texts, lists and members, each with its place in the file."""

import math
import re
from typing import Final

from msgspec import Struct

from tiergate.policy.places import Style, place_of
from tiergate.policy.source import Source

type Plain = bool | int | float | str | list[Plain] | dict[str, Plain] | None

_TRUTHS: Final = {"true": True, "false": False}
_NULLS: Final = frozenset({"", "null", "~"})
_WHOLE: Final = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_FRACTION: Final = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
# Words that one reader of YAML takes for a truth value or a number, and another for a text.
_DOUBTFUL: Final = re.compile(
    r"(?i:yes|no|on|off|y|n|true|false|null)|[-+]?(0[xo])?[0-9][0-9_a-fA-F]*|[-+]?[0-9_]*\.[0-9_]*([eE][-+]?[0-9]+)?"
    r"|[-+]?[0-9]+[eE][-+]?[0-9]+|[-+]?[0-9]+(:[0-9]{1,2})+(\.[0-9]*)?|[-+]?(?i:\.inf|\.nan)"
)


class Text(Struct, frozen=True, kw_only=True):
    """A text, plain or quoted. line, column, to_line, to_column: where it begins and has ended, from 0."""

    source: Source
    text: str
    style: Style
    line: int
    column: int
    to_line: int
    to_column: int

    def refuse(self, message: str, index: int | None = None) -> None:
        """Note what is wrong with it. index: at which of its characters, where that is known."""
        line, column = (self.line, self.column) if index is None else self.place(index)
        self.source.refuse(line, column, message)

    def place(self, index: int) -> tuple[int, int]:
        """Tell where a character of the text stands in the file: line and column from 0.

        Where that cannot be told for certain, it is where the whole of it begins.
        """
        start, end = (self.line, self.column), (self.to_line, self.to_column)
        return place_of(self.source.lines, start, end, style=self.style, text=self.text, index=index)


class Listing(Struct, frozen=True, kw_only=True):
    """A list."""

    source: Source
    items: tuple["Node", ...]
    line: int
    column: int

    def refuse(self, message: str) -> None:
        """Note what is wrong with it."""
        self.source.refuse(self.line, self.column, message)


class Member(Struct, frozen=True, kw_only=True):
    """A key, and what stands there."""

    key: Text
    value: "Node"


class Members(Struct, frozen=True, kw_only=True):
    """A mapping; each key stands once."""

    source: Source
    members: dict[str, Member]
    line: int
    column: int

    def refuse(self, message: str) -> None:
        """Note what is wrong with it."""
        self.source.refuse(self.line, self.column, message)

    def get(self, name: str) -> "Node | None":
        """Give what stands at a key; None where there is no such key."""
        found = self.members.get(name)
        return None if found is None else found.value

    def refuse_others(self, names: tuple[str, ...], whose: str) -> None:
        """Note every member that is none of ``names``. whose: e.g. "a rule"."""
        for name, member in self.members.items():
            if name not in names:
                member.key.refuse(f"unknown member {name!r}: {whose} has {', '.join(names)}")


type Node = Text | Listing | Members


def to_text(node: Node | None) -> str | None:
    """Read a text; note it where there is something else, or a word that is no text to everybody."""
    if not isinstance(node, Text):
        if node is not None:
            node.refuse("a text is meant to stand here")
        return None
    if node.style == Style.PLAIN and (node.text in _NULLS or _DOUBTFUL.fullmatch(node.text)):
        node.refuse(f"put {node.text or 'it'} in quotes where a text is meant" if node.text else "a text is missing")
        return None
    return node.text


def to_truth(node: Node | None) -> bool | None:
    """Read true or false; note it where there is something else."""
    if isinstance(node, Text) and node.style == Style.PLAIN and node.text in _TRUTHS:
        return _TRUTHS[node.text]
    if node is not None:
        node.refuse("true or false is meant to stand here")
    return None


def to_plain(node: Node) -> Plain:
    """Read whatever stands there as JSON has it; note words that are not the same to everybody.

    Plain words are read as by YAML 1.2's core schema, numbers in plain decimal alone.
    """
    match node:
        case Listing():
            return [to_plain(one) for one in node.items]
        case Members():
            return {name: to_plain(member.value) for name, member in node.members.items()}
    return node.text if node.style != Style.PLAIN else _word(node)


def _word(node: Text) -> Plain:
    """Read a plain word."""
    text = node.text
    if text in _TRUTHS:
        return _TRUTHS[text]
    if text in _NULLS:
        return None
    if _WHOLE.fullmatch(text):
        return int(text)
    if _FRACTION.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    if _DOUBTFUL.fullmatch(text):
        node.refuse(f"put {text} in quotes, or write true, false, or a plain decimal number")
    return text
