"""What a person confirms, written so that they read what they confirm."""

import json
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

_CURRENCY_LETTERS: Final = 3
# Where a request tells of the one transaction that it is about (decisions/circumstances.py).
_OF_ONE: Final = ("context.transaction", "context", "resource.properties", "action.properties")
# What parts one property, or one part of it, from the next.
_PARTING: Final = frozenset(';:"')
_PARTING_INSIDE: Final = _PARTING | {","}
# Control, format, surrogate, private and unassigned characters, and what ends a line.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# ISO 4217: how many digits of the minor unit; the others have two.
_DIGITS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"), 0),
    **dict.fromkeys(("UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


class ReadableField(Struct, frozen=True, kw_only=True):
    """One bound property. name: its path in the request. given: its value as the product sent it."""

    name: str
    label: str
    value: str
    given: str


def readable_fields(display: Mapping[str, Any]) -> list[ReadableField]:
    """Write the bound properties of a challenge for a person.

    A whole number called ``amount`` beside a bound ``currency`` is in that currency's minor unit: both are shown as
    one sum; of a batch, what each may be at most. Where a request tells of one transaction in several places, they
    stand beside each other, unless its currencies differ. Any other number has its digits grouped, and is never
    converted.
    """
    limits: Mapping[str, Any] = display.get("batch", {}).get("per_item", {})
    given = {one["name"]: limits.get(one["name"], one["value"]) for one in display.get("fields", ())}
    sums = {name: _currency_beside(name, given) for name in given}
    told = {path for name, currency in sums.items() if currency for path in _currencies_beside(name, given)}
    return [
        ReadableField(
            name=name,
            label=_label(name),
            value=f"at most {_value(value, sums[name])} each" if name in limits else _value(value, sums[name]),
            given=readable_text(str(value)),
        )
        for name, value in given.items()
        if name not in told
    ]


def readable_line(display: Mapping[str, Any]) -> str:
    """Write the bound properties of a challenge as one text, in which none of them reads as another beside it."""
    return "; ".join(f"{one.label}: {_kept_together(one.value)}" for one in readable_fields(display))


def readable_text(text: str) -> str:
    """Write a text so that a person sees all that is in it, in its order.

    Marks that turn the direction of writing, or are nothing to look at, are shown by their numbers: with them one
    payee is written like another.
    """
    return "".join(one if unicodedata.category(one) not in _UNSEEN else f"[U+{ord(one):04X}]" for one in text)


def _currencies_beside(name: str, given: Mapping[str, object]) -> list[str]:
    """List the paths of the currencies that go with an amount."""
    head, dot, _ = name.rpartition(".")
    places = {head, *(_OF_ONE if head in _OF_ONE else ())}
    return [path for path in (f"{place}{dot}currency" for place in places) if path in given]


def _currency_beside(name: str, given: Mapping[str, object]) -> str:
    value, paths = given[name], _currencies_beside(name, given)
    currency = given[paths[0]] if paths and all(given[one] == given[paths[0]] for one in paths) else None
    is_sum = name.rpartition(".")[2] == "amount" and isinstance(value, int) and not isinstance(value, bool)
    if not is_sum or not isinstance(currency, str) or len(currency) != _CURRENCY_LETTERS or not currency.isascii():
        return ""
    return currency.upper() if currency.isalpha() else ""


def _label(name: str) -> str:
    words = name.rpartition(".")[2].replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:] or name


def _value(value: object, currency: str) -> str:
    match value:
        case bool():
            text = "yes" if value else "no"
        case int():
            text = written_sum(value, currency) if currency else f"{value:,}"
        case float():
            text = f"{value:,}"
        case Mapping():
            text = ", ".join(f"{readable_text(_label(str(name)))}: {_inner(one)}" for name, one in value.items())
        case list() | tuple():
            text = ", ".join(map(_inner, value))
        case _:
            text = "" if value is None else readable_text(str(value))
    return text or "nothing"


def _inner(value: object) -> str:
    text = _value(value, "")
    return _kept_together(text, _PARTING_INSIDE) if isinstance(value, str | Mapping | list | tuple) else text


def _kept_together(text: str, parting: frozenset[str] = _PARTING) -> str:
    """Quote a text with something in it that would part it."""
    return text if parting.isdisjoint(text) else json.dumps(text, ensure_ascii=False)


def written_sum(minor: int, currency: str) -> str:
    """Write a sum of money. minor: in the minor unit of ``currency``, ISO 4217, in capitals."""
    digits = _DIGITS.get(currency, 2)
    if digits == 0:
        return f"{minor:,} {currency}"
    whole, rest = divmod(abs(minor), 10**digits)
    return f"{'-' if minor < 0 else ''}{whole:,}.{rest:0{digits}d} {currency}"
