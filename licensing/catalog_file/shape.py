"""Check a file against its published JSON Schema, and tell each mistake in a sentence with its line."""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from licensing.catalog_file.mistakes import Mistake, Place, dotted, shown
from licensing.catalog_file.source import MAX_MISTAKES, Document

_WORDS: Final = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
    "null": "empty",
}

_BOUNDS: Final = {
    "minimum": "be {} or more",
    "maximum": "be {} or less",
    "minLength": "have {} characters or more",
    "maxLength": "have {} characters or fewer",
    "minItems": "have {} entries or more",
    "maxItems": "have {} entries or fewer",
    "maxProperties": "have {} entries or fewer",
    "minProperties": "have {} entries or more",
    "uniqueItems": "name nothing twice",
}


def _is_whole(_checker: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _matches_whole(_validator: Validator, pattern: str, value: object, _schema: object) -> Iterator[ValidationError]:
    # Python's `$` also matches before a last line break, ECMA's (which JSON Schema means) does not.
    if isinstance(value, str) and not re.search(pattern.removesuffix("$") + r"\Z", value):
        yield ValidationError(f"{value!r} does not match")


# 1.0 is an integer to JSON Schema; a person who writes it meant something else.
_Strict: Final[type[Validator]] = extend(  # type: ignore[no-untyped-call]  # its stub has no types
    Draft202012Validator,
    validators={"pattern": _matches_whole},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole),
)


def read_schema(path: Path) -> dict[str, Any]:
    """Read a schema that this installation publishes."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a schema says of a document. broken: every place that is wrong or could not be read."""

    mistakes: tuple[Mistake, ...]
    broken: frozenset[Place]

    def is_whole(self, path: Place) -> bool:
        """Say whether nothing in, at or around a place is wrong, so that its content can be relied on.

        The file itself does not count as around: a section that it lacks makes no other one wrong.
        """
        around = self.broken - {()}
        return not any(path[: len(place)] == place or place[: len(path)] == path for place in around)


def check_shape(document: Document, schema: Mapping[str, Any]) -> Shape:
    """List everything about a document that its schema does not allow; what could not be read is passed over."""
    mistakes = list(document.mistakes)
    broken = set(document.unread)
    told = (one for error in _Strict(dict(schema)).iter_errors(document.value) for one in _told(error))
    for path, sentence in islice(told, MAX_MISTAKES):
        broken.add(path)
        if not document.is_unread(path):
            mistakes.append(Mistake(document.line(path), sentence))
    if next(told, None) is not None:
        mistakes.append(Mistake(document.line(()), "There are more mistakes than are told here."))
    return Shape(mistakes=tuple(mistakes), broken=frozenset(broken))


def _told(error: ValidationError) -> Iterator[tuple[Place, str]]:
    path: Place = tuple(error.absolute_path)
    instance: Any = error.instance
    allowed: Any = error.validator_value
    if "propertyNames" in error.absolute_schema_path:
        key = str(instance)
        yield (*path, key), f"{shown(key)} in {dotted(path)} cannot be a key: {_says(error)}."
    elif error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties", {})) if isinstance(error.schema, Mapping) else []
        for key in sorted(set(instance) - set(known)):
            yield (*path, key), f"{shown(key)} is not known in {dotted(path)}: {_instead(key, known)}"
    elif error.validator == "required":
        for key in allowed:
            if key not in instance:
                yield path, f"{dotted(path)} lacks {key}."
    else:
        yield path, f"{dotted(path)} {_must(error, allowed)}."


def _must(error: ValidationError, allowed: Any) -> str:
    seen = "what it is" if _is_secret(error) else _seen(error.instance)
    match error.validator:
        case "type":
            kinds = allowed if isinstance(allowed, list) else [allowed]
            return f"must be {' or '.join(_WORDS[kind] for kind in kinds)}, not {seen}{_aside(error)}"
        case "enum":
            return f"must be one of {', '.join(map(str, allowed))}, not {seen}"
        case "const":
            return f"must be {json.dumps(allowed)} or be left out, not {seen}"
        case "pattern":
            return f"must be {_says(error)}, not {seen}"
        case str(keyword) if keyword in _BOUNDS:
            found = f", not {seen}" if isinstance(error.instance, (int, float)) else ""
            return f"must {_BOUNDS[keyword].format(allowed)}{found}{_aside(error)}"
    return f"must be {_says(error)}"


def _is_secret(error: ValidationError) -> bool:
    return isinstance(error.schema, Mapping) and error.schema.get("writeOnly") is True


def _says(error: ValidationError) -> str:
    found = error.schema.get("description") if isinstance(error.schema, Mapping) else None
    return str(found).rstrip(".") if found else "otherwise"


def _aside(error: ValidationError) -> str:
    found = _says(error)
    return f" ({found})" if found != "otherwise" and found[:1].islower() else ""


def _seen(value: object) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return json.dumps(value)
        case str():
            return f"the text {shown(value)}"
        case int() | float():
            return str(value)
        case dict():
            return "a mapping"
        case _:
            return "a list"


def _instead(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f"did you mean {close[0]}?" if close else f"it may be {', '.join(known)}."
