"""One file of a bundle: its text, where things stand in it, and what is wrong with it."""

import re
from typing import Final

from tiergate.policy.errors import PolicyError
from tiergate.policy.limits import MAX_FILE

# More that is wrong with one file nobody reads.
_MAX_ERRORS: Final = 100
# What no file of people holds: control characters, other ends of lines than an editor counts, what turns text around
# so that it reads otherwise than it means, marks of byte order inside, halves of surrogate pairs.
_ODD: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)


class Source:
    """A file as it is read: every end of line is one character, and a mark of byte order before it is gone.

    errors: what is found wrong with it, in the order in which it is found.
    """

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text.removeprefix("\ufeff").replace("\r\n", "\n")
        self.lines = self.text.split("\n")
        self.errors: list[PolicyError] = []

    def refuse(self, line: int, column: int, message: str) -> None:
        """Note what is wrong at a place. line, column: from 0."""
        if len(self.errors) >= _MAX_ERRORS:
            return
        shown = self.lines[line] if line < len(self.lines) else ""
        self.errors.append(
            PolicyError(file=self.file, line=line + 1, column=column + 1, message=message, source_line=shown)
        )

    def is_readable(self) -> bool:
        """Say whether the text may be parsed at all; note why where it may not."""
        if len(self.text) > MAX_FILE:
            self.errors.append(
                PolicyError(file=self.file, line=1, column=1, message=f"larger than {MAX_FILE} characters")
            )
            return False
        odd = find_odd(self.text)
        if odd is None:
            return True
        before = self.text.count("\n", 0, odd.start())
        column = odd.start() - (self.text.rfind("\n", 0, odd.start()) + 1)
        self.refuse(before, column, f"the character U+{ord(odd.group()):04X} is not for files like this")
        return False


def find_odd(text: str) -> re.Match[str] | None:
    """Find the first character that is not for files like these, nor for what they say."""
    return _ODD.search(text)
