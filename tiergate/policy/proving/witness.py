"""A request out of what Z3 found."""

import re
from datetime import datetime
from typing import Any, Final

import z3

from tiergate.policy.proving.domain import EPOCH, TICK, Domain, Listed
from tiergate.policy.request import Request
from tiergate.policy.schema import FIELDS, Field, Kind

_ESCAPED: Final = re.compile(r"\\u\{([0-9a-fA-F]+)\}")


def request_from(model: Any, domain: Domain) -> Request:
    """Make the request that a model describes; what it says nothing of is left out.

    :raises ValueError: there is no such request.
    """
    groups: dict[str, dict[str, object]] = {}
    for name, value in domain.values.items():
        if z3.is_true(model.eval(domain.known[name], model_completion=True)):
            field = FIELDS[name]
            found, classes = model.eval(value, model_completion=True), domain.classes.get(name)
            known = _value(field, found) if classes is None else classes[found.as_long()].name
            groups.setdefault(field.group, {})[field.member] = known
    for name, listed in domain.lists.items():
        if z3.is_true(model.eval(listed.known, model_completion=True)):
            field = FIELDS[name]
            groups.setdefault(field.group, {})[field.member] = _items(model, listed)
    return Request.from_json(groups)


def _items(model: Any, listed: Listed) -> list[str]:
    found = [
        _text(model.eval(text, model_completion=True))
        for is_in, text in listed.items()
        if z3.is_true(model.eval(is_in, model_completion=True))
    ]
    # A list that is longer has more of what it has.
    size: int = model.eval(listed.size, model_completion=True).as_long()
    return found + found[:1] * (size - len(found))


def _value(field: Field, found: Any) -> object:
    match field.kind:
        case Kind.BOOL:
            return bool(z3.is_true(found))
        case Kind.DOUBLE:
            return float(found.as_fraction())
        case Kind.STRING if not field.values:
            return _text(found)
        case Kind.STRING:
            return field.values[found.as_long()]
        case Kind.TIMESTAMP:
            instant: datetime = EPOCH + found.as_long() * TICK
            return instant.isoformat()
    return found.as_long()


def _text(found: Any) -> str:
    return _ESCAPED.sub(lambda one: chr(int(one[1], 16)), found.as_string())
