"""A draft as a form: a row for each feature, what was typed into it, and what is wrong with it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from console.operating.cells import ASKED, FIELDS, LEVELS, PERIODS, SAID, SCOPES, Reading, read_term, typed_of
from console.plan.comparing import Cell, cell_of
from licensing import api as licensing
from tiergate import FeatureSpec, Term

INTERVALS: Final = ("month", "year", "once")
PRICED: Final = ("amount", "currency", "interval", "grace_days")
CHOICES: Final[Mapping[str, Sequence[str]]] = {"levels": LEVELS, "periods": PERIODS, "scopes": SCOPES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One feature. typed, mistakes: by field. came_from: what the version that is compared with says of it.

    now: what the draft says by now, where somebody else has made that something else than what was typed.
    """

    feature: FeatureSpec
    typed: Mapping[str, str]
    mistakes: Mapping[str, str]
    came_from: Cell | None
    now: Cell | None

    @property
    def said(self) -> Sequence[tuple[str, str]]:
        """List what can be said of the feature."""
        return SAID[self.feature.kind]

    @property
    def asks_more(self) -> bool:
        """Say whether fields that are folded away hold something, or are wrong."""
        return any(self.typed.get(name) or self.mistakes.get(name) for name in ASKED if name != "level")


@dataclass(slots=True, kw_only=True)
class Typed:
    """A whole form as it was sent. mistakes: by feature, then by field; of the draft itself under ``""``."""

    cells: Mapping[str, Mapping[str, str]]
    priced: Mapping[str, str]
    state: str
    put: list[Term] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)
    price: licensing.Price | None = None
    grace_days: int | None = None
    mistakes: dict[str, dict[str, str]] = field(default_factory=dict)


def read_form(sent: Mapping[str, str], features: Iterable[FeatureSpec]) -> Typed:
    """Read what was sent; a feature that the form did not know of yet is left as it is."""
    shown = [one for one in features if f"{one.key}.said" in sent]
    cells = {one.key: {name: sent.get(f"{one.key}.{name}", "").strip() for name in (*FIELDS, *ASKED)} for one in shown}
    typed = Typed(
        cells=cells, priced={name: sent.get(name, "").strip() for name in PRICED}, state=sent.get("state", "")
    )
    for feature in shown:
        reading = Reading(cells[feature.key])
        term = read_term(feature, reading)
        if reading.mistakes:
            typed.mistakes[feature.key] = reading.mistakes
        elif term is None:
            typed.remove.append(feature.key)
        else:
            typed.put.append(term)
    _read_price(typed)
    return typed


def form_of(version: licensing.VersionView, features: Iterable[FeatureSpec]) -> Typed:
    """Write a version as it would be typed."""
    terms = {term.feature: term for term in version.terms}
    price = version.price
    return Typed(
        cells={one.key: typed_of(one, terms.get(one.key)) for one in features},
        priced={
            "amount": str(price.amount) if price else "",
            "currency": price.currency if price else "",
            "interval": price.interval if price else "",
            "grace_days": str(version.grace_days),
        },
        state=version.state,
    )


def rows_of(
    typed: Typed,
    features: Iterable[FeatureSpec],
    *,
    came_from: licensing.VersionView | None,
    now: licensing.VersionView | None,
) -> list[Row]:
    """Lay a form out, a row for each feature. now: the draft, where somebody else has changed it meanwhile."""
    before = {term.feature: term for term in came_from.terms} if came_from else {}
    current = {term.feature: term for term in now.terms} if now else {}
    return [
        Row(
            feature=one,
            typed=typed.cells.get(one.key, {}),
            mistakes=typed.mistakes.get(one.key, {}),
            came_from=cell_of(one, before.get(one.key)) if came_from else None,
            now=cell_of(one, current.get(one.key)) if now and _differs(typed, one, current.get(one.key)) else None,
        )
        for one in features
    ]


def _differs(typed: Typed, feature: FeatureSpec, term: Term | None) -> bool:
    return _meant(typed.cells.get(feature.key, {})) != _meant(typed_of(feature, term))


def _meant(cell: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in cell.items() if value} if cell.get("said") else {}


def _read_price(typed: Typed) -> None:
    reading = Reading(typed.priced)
    amount = reading.number("amount", "A price in minor units")
    days = reading.number("grace_days", "Days of grace")
    if amount is not None:
        typed.price = licensing.Price(
            amount=amount, currency=reading.said("currency").lower(), interval=reading.said("interval")
        )
    elif (reading.said("currency") or reading.said("interval")) and not reading.mistakes:
        reading.mistakes["amount"] = "Write an amount too, or leave all three empty: not for sale by itself."
    if days is None:
        reading.mistakes.setdefault("grace_days", "Write how many days.")
    typed.grace_days = days
    if reading.mistakes:
        typed.mistakes[""] = reading.mistakes


def said_by(error: Any, typed: Typed) -> None:
    """Put what licensing refused beside the cells that it is about; else beside the draft itself."""
    found: Mapping[str, str] = error.extra.get("features") or {}
    for feature, sentence in found.items():
        typed.mistakes.setdefault(feature, {})["said"] = sentence
    if not found:
        typed.mistakes.setdefault("", {})["all"] = error.detail
