"""A rule's condition: CEL, checked against the schema before it is ever asked.

What CEL itself would let pass and find out too late, or never, is refused here: a value that an enum has not, a regular
expression or a time zone that is none, what has no bounds on its cost, `has()` of a field, which CEL reads as its value.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from cel_expr_python import cel
from msgspec import Struct

from tiergate.policy import limits, schema
from tiergate.policy.inspection import Inspection
from tiergate.policy.nodes import Text
from tiergate.policy.schema import FIELDS, Kind
from tiergate.policy.tree import Node, read_tree

_TYPES: Final[Mapping[Kind, Any]] = MappingProxyType(
    {
        Kind.BOOL: cel.Type.BOOL,
        Kind.INT: cel.Type.INT,
        Kind.DOUBLE: cel.Type.DOUBLE,
        Kind.STRING: cel.Type.STRING,
        Kind.STRINGS: cel.Type.List(cel.Type.STRING),
        Kind.TIMESTAMP: cel.Type.TIMESTAMP,
    }
)
_ENVIRONMENT: Final = cel.NewEnv(variables={name: _TYPES[field.kind] for name, field in FIELDS.items()})
_ERROR: Final = re.compile(r"^(?:\w+: )?ERROR: <input>:(-?\d+):(-?\d+): (.*)$", re.MULTILINE)
_UNDECLARED: Final = re.compile(r"undeclared reference to '(\w+)\.")

# What is tried with a literal before any request is: each errs where the literal is none of its kind.
_PROBE_ENVIRONMENT: Final = cel.NewEnv(variables={"x": cel.Type.STRING})
_PROBES: Final = MappingProxyType(
    {
        name: _PROBE_ENVIRONMENT.compile(text)
        for name, text in (
            ("matches", "''.matches(x) == ''.matches(x)"),
            ("zone", "timestamp('2026-01-01T00:00:00Z').getHours(x) >= 0"),
            ("timestamp", "timestamp(x) == timestamp(x)"),
            ("duration", "duration(x) == duration(x)"),
        )
    }
)


class When(Struct, frozen=True, kw_only=True):
    """A condition that is fit to be asked.

    fields: the names of what it reads. tree: what it is made of.
    """

    text: str
    fields: frozenset[str]
    tree: Node
    program: Any


def compile_when(text: Text) -> When | None:
    """Check a condition; None where it is none, and everything that is wrong is noted where it stands."""
    expression = text.text.strip()
    skipped = len(text.text) - len(text.text.lstrip())
    errors: list[tuple[int, str]] = []
    when = None
    if len(expression) > limits.MAX_WHEN:
        errors.append((0, f"a condition has at most {limits.MAX_WHEN} characters"))
    else:
        when = _compile(expression, errors)
    for at, message in errors:
        text.refuse(message, skipped + at)
    return when


def _compile(expression: str, errors: list[tuple[int, str]]) -> When | None:
    try:
        program = _ENVIRONMENT.compile(expression)
    except RuntimeError as error:
        errors += _told(str(error), expression)
        return None
    if program.return_type() != cel.Type.BOOL:
        errors.append((0, f"a condition is true or false; this is {program.return_type().name().lower()}"))
        return None
    try:
        tree = read_tree(program.serialize())
    except ValueError as error:
        errors.append((0, str(error)))
        return None
    found = Inspection(expression, is_sound)
    found.inspect(tree)
    errors += found.errors
    if found.errors:
        return None
    return When(text=expression, fields=frozenset(found.fields), tree=tree, program=program)


def _told(message: str, expression: str) -> list[tuple[int, str]]:
    """Read CEL's own errors: the place in the expression of each, and its sentence."""
    starts = [0]
    for line in expression.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    out = []
    for row, column, sentence in _ERROR.findall(message):
        start = starts[min(max(int(row), 1), len(starts) - 1) - 1]
        out.append((min(start + max(int(column), 1) - 1, len(expression)), _clear(sentence)))
    return out or [(0, message.splitlines()[0] if message else "this is no condition")]


def _clear(sentence: str) -> str:
    """Leave out what says nothing to people, and name what there is where a field is misspelt."""
    clear = sentence.removesuffix(" [INVALID_ARGUMENT]").removesuffix(" (in container '')").partition(" expecting {")[0]
    found = _UNDECLARED.search(clear)
    if found is not None and found[1] in schema.GROUPS:
        clear += f": {found[1]} has {', '.join(one.member for one in FIELDS.values() if one.group == found[1])}"
    return clear


def is_sound(kind: str, text: str) -> bool:
    """Say whether CEL itself takes a text for a pattern (``matches``), a ``zone``, a ``timestamp``, a ``duration``."""
    program = _PROBES[kind]
    return holds(program, _PROBE_ENVIRONMENT.Activation({"x": text}))[0] is not None


def activation(values: Mapping[str, object]) -> Any:
    """Give CEL the values that an expression reads, by name."""
    return _ENVIRONMENT.Activation(values)


def compile_together(conditions: Sequence[str]) -> Any:
    """Make one expression of conditions that are fit by themselves, for `holding`; None where CEL takes none of all.

    Each is closed by a line break: a comment at its end takes nothing of the next one away.
    """
    bits = [f"(({text}\n) ? {1 << number} : 0)" for number, text in enumerate(conditions)]
    try:
        return _ENVIRONMENT.compile(" + ".join(bits))
    except RuntimeError:
        return None


def holding(program: Any, given: Any) -> int | None:
    """Ask which of several conditions hold: the first is bit 0. None where that cannot be told of one. Never raises."""
    try:
        answer = program.eval(given).value()
    except Exception:  # noqa: BLE001 - whatever goes wrong, the answer is not known
        return None
    # INVARIANT: an error is a value here, too; a number that is none of ours is no answer.
    return answer if type(answer) is int and answer >= 0 else None


def holds(program: Any, given: Any) -> tuple[bool | None, str]:
    """Ask whether a condition holds; None and CEL's own words where that cannot be told. Never raises."""
    try:
        answer = program.eval(given).value()
    except Exception as error:  # noqa: BLE001 - whatever goes wrong, the answer is not known
        return None, str(error)
    # INVARIANT: an error is a value here, whose value is its words; nothing but true and false is an answer.
    if answer is True or answer is False:
        return answer, ""
    return None, str(answer)
