"""How a request looks, as the product tells it: what only rules of a policy read.

The product is believed, as it is about who asks; what it tells in two ways that differ is unclear, and nobody knows it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, get_args

from decisions.frames import Frame
from decisions.question import Question
from tiergate import ActionSpec, Circumstances, NetworkClass

_NETWORK_CLASSES: Final = frozenset(get_args(NetworkClass))
_MAX_TEXT: Final = 64


def circumstances_of(
    question: Question, frame: Frame, action: ActionSpec | None, *, known: Mapping[str, Any], at: datetime
) -> Circumstances:
    """Tell how the request looks at ``at``; what is told in no way that can be read stays unknown.

    known: what we know ourselves, by member; it wins over what the product tells.

    A transaction is ``context.transaction`` (``type``, ``amount`` in minor units, ``currency``), and an ``amount`` and
    ``currency`` wherever else an action may bind them: ``context``, ``resource.properties``, ``action.properties``.
    """
    context = question.context
    told = (context.transaction, context.amounts, question.resource.properties, question.action_properties)
    offset = None if frame.zone is None else at.astimezone(frame.zone).utcoffset()
    said: dict[str, Any] = {}
    if context.transaction is not None or any(told):
        said = _transaction([one for one in told if isinstance(one, Mapping)], context.transaction)
    if context.origin is not None:
        said |= _origin(context.origin)
    if context.device is not None:
        said["is_known_device"] = isinstance(context.device, Mapping) and context.device.get("is_known") is True
    return Circumstances(
        scopes=frame.scopes_of(action),
        plans=frame.plans,
        zone=None if frame.zone is None else frame.zone.key,
        offset=None if offset is None else int(offset.total_seconds()),
        **({**said, **known} if said else known),
    )


def told_beside(question: Question, bound: Mapping[str, object]) -> dict[str, object]:
    """List by path what is told of a transaction, where its action binds it nowhere.

    bound: the properties that are bound. What is told in several places is either the same in all, or not known.
    """
    context = question.context
    places = {
        "context.transaction": context.transaction,
        "context": context.amounts,
        "resource.properties": question.resource.properties,
        "action.properties": question.action_properties,
    }
    told = {
        name: {
            f"{place}.{name}": said[name]
            for place, said in places.items()
            if isinstance(said, Mapping) and name in said
        }
        for name in ("amount", "currency")
    }
    if isinstance(context.transaction, Mapping) and "type" in context.transaction:
        told["type"] = {"context.transaction.type": context.transaction["type"]}
    return {path: value for found in told.values() if found.keys().isdisjoint(bound) for path, value in found.items()}


def _transaction(told: list[Mapping[str, Any]], said: object) -> dict[str, Any]:
    amounts = _distinct(one["amount"] for one in told if "amount" in one)
    currencies = _distinct(one["currency"] for one in told if "currency" in one)
    if said is None and not amounts:
        return {}
    kind = said.get("type") if isinstance(said, Mapping) else None
    return {
        "has_transaction": True,
        "transaction_type": kind if isinstance(kind, str) and len(kind) <= _MAX_TEXT else None,
        "transaction_amount": _amount(amounts[0]) if len(amounts) == 1 else None,
        "transaction_currency": _currency(currencies[0]) if len(currencies) == 1 else None,
    }


def _amount(value: object) -> int | None:
    """Read an amount in minor units; None for what is none.

    Less than nothing is none: every rule about large amounts would pass over it, while somebody may book it as a payout.
    What goes the other way is another type of transaction.
    """
    return value if type(value) is int and value >= 0 else None


def _distinct(values: Iterable[Any]) -> list[Any]:
    """List different values; 1 and 1.0 and true are three."""
    out: list[Any] = []
    for value in values:
        if not any(type(value) is type(one) and value == one for one in out):
            out.append(value)
    return out


def _currency(value: object) -> str | None:
    """Write a currency as ISO 4217 does; None for what is none."""
    is_code = isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha()  # noqa: PLR2004 - its length
    return str(value).upper() if is_code else None


def _origin(origin: object) -> dict[str, Any]:
    if not isinstance(origin, Mapping):
        return {}
    country, network = origin.get("country"), origin.get("network_class")
    is_code = isinstance(country, str) and len(country) == 2 and country.isascii() and country.isalpha()  # noqa: PLR2004 - its length
    return {
        "country": str(country).upper() if is_code else None,
        "network_class": network if isinstance(network, str) and network in _NETWORK_CLASSES else "unknown",
    }
