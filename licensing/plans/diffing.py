"""How one version differs from another: pure, as data and in sentences."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from licensing.plan_content import Price
from licensing.plans.versions import VersionView, get_version
from tiergate import Requirement, Term


class What(StrEnum):
    """What differs."""

    PRICE = "price"
    GRACE = "grace"
    FEATURE = "feature"
    LIMIT = "limit"
    CONFIG = "config"
    LEVEL = "level"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is otherwise.

    key: the feature; "" for price and grace. old, new: plain JSON; None where nothing was, or is, said.
    """

    what: What
    key: str
    old: Any
    new: Any
    sentence: str


def diff_versions(*, old: str, new: str) -> list[Difference]:
    """Compare two versions, of one plan or of two, by name.

    :raises InvalidName: no name of a version. :raises VersionNotFound: there is none of this name.
    """
    return differences(get_version(ref=old), get_version(ref=new))


def differences(old: VersionView, new: VersionView) -> list[Difference]:
    """List what differs: price and grace first, then feature by feature."""
    out = []
    if old.price != new.price:
        sentence = f"The price is {_money(new.price)}; it was {_money(old.price)}."
        out.append(_made(What.PRICE, "", _price_json(old.price), _price_json(new.price), sentence))
    if old.grace_days != new.grace_days:
        sentence = f"Grace after a failed payment lasts {new.grace_days} days; it was {old.grace_days}."
        out.append(_made(What.GRACE, "", old.grace_days, new.grace_days, sentence))
    before, after = ({term.feature: term for term in one.terms} for one in (old, new))
    for key in sorted(before.keys() | after.keys()):
        out += _of_feature(key, before.get(key), after.get(key))
    return out


def _of_feature(key: str, old: Term | None, new: Term | None) -> list[Difference]:
    out = []
    was, now = _said(old), _said(new)
    if was != now:
        out.append(_made(_what(new or old), key, was, now, f"{key}: {_worth(new)}; it was {_worth(old)}."))
    asked, asks = (one.requirement if one else None for one in (old, new))
    if asked != asks and new is not None:
        less = asked is not None and not (asks is not None and asks.is_at_least(asked))
        sentence = f"{key} asks {_asks(asks)}; it asked {_asks(asked)}" + (" (less)." if less else ".")
        out.append(_made(What.LEVEL, key, asked and asked.to_json(), asks and asks.to_json(), sentence))
    return out


def _made(what: What, key: str, old: Any, new: Any, sentence: str) -> Difference:
    return Difference(what=what, key=key, old=old, new=new, sentence=sentence)


def _what(term: Term | None) -> What:
    if term is not None and (term.unlimited or term.limit is not None):
        return What.LIMIT
    return What.FEATURE if term is None or isinstance(term.value, bool) else What.CONFIG


def _said(term: Term | None) -> Any:
    if term is None:
        return None
    if term.unlimited or term.limit is not None:
        said: dict[str, Any] = {"unlimited": True} if term.unlimited else {"limit": term.limit}
        said |= {"per": term.reset_period.value} if term.reset_period else {}
        said |= {"overage": True} if term.overage else {}
        return said | ({"rollover": term.rollover} if term.rollover is not None else {})
    return term.value


def _worth(term: Term | None) -> str:
    if term is None:
        return "not included"
    if term.unlimited or term.limit is not None:
        return (
            ("unlimited" if term.unlimited else f"{term.limit}")
            + (f" per {term.reset_period.value}" if term.reset_period else "")
            + (" and more as overage" if term.overage else "")
            + (f" of which {term.rollover} may go on" if term.rollover is not None else "")
        )
    return {True: "included", False: "not included"}[term.value] if isinstance(term.value, bool) else f"{term.value!r}"


def _asks(requirement: Requirement | None) -> str:
    if requirement is None:
        return "nothing"
    return ", ".join(f"{name} {value}" for name, value in requirement.to_json().items()) or requirement.level.value


def _price_json(price: Price | None) -> dict[str, Any] | None:
    return None if price is None else {"amount": price.amount, "currency": price.currency, "interval": price.interval}


def _money(price: Price | None) -> str:
    return f"{price.amount} {price.currency} ({price.interval})" if price else "not for sale by itself"
