"""What is wrong with a bundle, and where: each error names its file, line and column, and shows them."""

import unicodedata
from collections.abc import Iterable

from msgspec import Struct

# How much of a line is shown, and how much of that stands before the column.
_SHOWN = 160
_BEFORE = 120


class PolicyError(Struct, frozen=True, kw_only=True, order=True):
    """One thing that is wrong with a bundle.

    line, column: from 1, in characters of the file as an editor counts them.
    source_line: that line as it stands, without its end; "" where there is none to show.
    """

    file: str
    line: int
    column: int
    message: str
    source_line: str = ""

    def __str__(self) -> str:
        """Give ``file:line:column: message``, the line, and a caret under the column."""
        first = f"{self.file}:{self.line}:{self.column}: {_plain(self.message)}"
        if not self.source_line:
            return first
        start = max(0, self.column - 1 - _BEFORE)
        shown = self.source_line[start : start + _SHOWN]
        padding = "".join(map(_blank, shown[: self.column - 1 - start]))
        return f"{first}\n  {_plain(shown)}\n  {padding}^"


class BundleRefused(ValueError):
    """A bundle that is not one; nothing of it is used.

    errors: all that is wrong with it, by file and line.
    """

    def __init__(self, errors: Iterable[PolicyError]) -> None:
        self.errors = tuple(sorted(errors))
        super().__init__("\n".join(map(str, self.errors)))


def _plain(text: str) -> str:
    """Replace what would move a terminal's cursor or turn its text around; a tab is what it is."""
    return "".join(one if one == "\t" or one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def _blank(character: str) -> str:
    if character == "\t":
        return "\t"
    return "  " if unicodedata.east_asian_width(character) in {"F", "W"} else " "
