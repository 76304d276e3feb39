"""What is wrong with a file, each thing with its line."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tiergate import ErrorKind, TiergateError

type Place = tuple[str | int, ...]

_LONGEST_SHOWN: Final = 60


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing that is wrong. line: from 1 on. sentence: says what would be right."""

    line: int
    sentence: str


class FileRefused(TiergateError):
    """The file is refused whole: one mistake is enough, and all of them are told."""

    code = "file_refused"
    kind = ErrorKind.INVALID

    def __init__(self, name: str, mistakes: Iterable[Mistake]) -> None:
        self.name = name
        self.mistakes = tuple(sorted(set(mistakes)))
        self.lines = tuple(f"{name}:{one.line}: {one.sentence}" for one in self.mistakes)
        super().__init__("\n".join(self.lines))


def shown(text: str) -> str:
    """Quote a piece of a file so that it is short and cannot steer a terminal."""
    short = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
    return f"'{short}'" if short.isprintable() else ascii(short)


def dotted(path: Place) -> str:
    """Name a place in a file as people do: ``plans.business.price``, ``members.binds[0]``."""
    out = ""
    for part in path:
        if isinstance(part, int):
            out += f"[{part}]"
        else:
            out += ("." if out else "") + (part if part.isprintable() else ascii(part))
    return out or "the file"
