"""What a verb of the command is, how it is found among what is typed, and how it says what it has found.

Exit codes: 0 all is well, 1 something is wrong with what was looked at, 2 it could not be looked at.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TextIO

from tiergate.policy.errors import BundleRefused, PolicyError
from tiergate.policy.wording import Alarm

GOOD: Final = 0
WRONG: Final = 1
UNUSABLE: Final = 2

MOST: Final = 10_000
"""Lines of a list that are shown at once."""

_RED: Final = "\x1b[31m"
_PLAIN: Final = "\x1b[0m"


class Report:
    """What a command has to say: lines for people, or one JSON object for a program.

    say: tells people how far it is, beside the answer; nothing reads it.
    """

    def __init__(self, out: TextIO, err: TextIO, *, is_json: bool) -> None:
        self._out, self._err = out, err
        self._is_json = is_json

    def give(self, code: int, lines: Iterable[str], said: Mapping[str, object]) -> int:
        """Say it, and give the code to exit with."""
        if self._is_json:
            self._out.write(json.dumps({"is_good": code == GOOD, **said}, indent=2) + "\n")
        else:
            is_coloured = self._out.isatty()
            self._out.writelines(f"{_shown(line, is_coloured=is_coloured)}\n" for line in lines)
        return code

    def say(self, line: str) -> None:
        """Say how far it is, at once."""
        self._err.write(f"{_shown(line, is_coloured=self._err.isatty())}\n")
        self._err.flush()


class Verb(NamedTuple):
    """One thing that the command does.

    sentence: what it does, without a capital or a full stop. ask: adds what it needs to be told; ``--json`` is there.
    """

    name: str
    sentence: str
    run: Callable[[argparse.Namespace, Report], int]
    ask: Callable[[argparse.ArgumentParser], object]


def run(
    verbs: Sequence[Verb], arguments: Sequence[str] | None, out: TextIO, err: TextIO, *, description: str, prog: str
) -> int:
    """Find the verb that is typed, run it, and give the code to exit with. arguments: the process's where None."""
    try:
        given = _parser(verbs, description, prog).parse_args(arguments)
    except SystemExit as stop:
        # argparse has printed what is wrong, or what was asked for.
        return int(stop.code or 0)
    report = Report(out, err, is_json=given.json)
    verb: Callable[[argparse.Namespace, Report], int] = given.verb
    try:
        return verb(given, report)
    except BundleRefused as refused:
        lines = [*map(str, refused.errors), f"{len(refused.errors)} wrong"]
        return report.give(WRONG, lines, {"errors": [error_json(one) for one in refused.errors]})
    except (OSError, ValueError) as error:
        why = _why(error)
        err.write(f"{printable(why)}\n")
        return report.give(UNUSABLE, [], {"error": why})


def _why(error: Exception) -> str:
    """Say why something cannot be looked at; a file is named first, as in what is wrong with one."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _parser(verbs: Sequence[Verb], description: str, prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, description=description, allow_abbrev=False)
    among = parser.add_subparsers(required=True, metavar="|".join(verb.name for verb in verbs))
    for verb in verbs:
        told = f"{verb.sentence[0].upper()}{verb.sentence[1:]}."
        one = among.add_parser(verb.name, help=verb.sentence, description=told, allow_abbrev=False)
        one.set_defaults(verb=verb.run)
        one.add_argument("--json", action="store_true", help="answer as one JSON object")
        verb.ask(one)
    return parser


def count_of(text: str) -> int:
    """Read how many of something are to be shown.

    :raises argparse.ArgumentTypeError: that is no number that fits.
    """
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST):
        raise argparse.ArgumentTypeError(f"a number from 1 to {MOST}")
    return int(text)


def error_json(one: PolicyError) -> dict[str, object]:
    """Give what is wrong, and where, as programs read it."""
    return {"file": one.file, "line": one.line, "column": one.column, "message": one.message}


def _shown(line: str, *, is_coloured: bool) -> str:
    plain = printable(line)
    return f"{_RED}{plain}{_PLAIN}" if is_coloured and isinstance(line, Alarm) else plain


def printable(line: str) -> str:
    """Replace what would move a terminal's cursor."""
    return "".join(one if one in "\t\n" or one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in line)
