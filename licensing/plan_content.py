"""What a version of a plan says: checked, and named by its content."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from licensing import names
from licensing.catalogue_rows import term_columns, term_json
from licensing.errors import InvalidTerm, UnknownFeature
from licensing.models import Feature
from licensing.models.catalogue import GRACE_DAYS, MAX_GRACE_DAYS, MAX_TRIAL_DAYS, PlanKind, PriceInterval
from tiergate import Term


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a plan costs.

    amount: minor units. currency: ISO 4217, lower case. interval: ``month``, ``year`` or ``once``.
    """

    amount: int
    currency: str
    interval: str


def named_feature(key: str) -> Feature:
    """Find a feature by key.

    :raises UnknownFeature: the catalogue has none such.
    """
    row = Feature.objects.filter(key=key).first()
    if row is None:
        raise UnknownFeature(f"The catalogue has no feature {key!r}.")
    return row


def checked_terms(terms: Sequence[Term]) -> list[tuple[Feature, Term]]:
    """Return terms in the order of their features, each beside its feature.

    :raises UnknownFeature: one is of a feature that is not in the catalogue.
    :raises InvalidTerm: some do not fit their feature's kind, or a feature is named twice. It says why of the first, and
        in ``features`` of each.
    """
    seen: set[str] = set()
    wrong: dict[str, str] = {}
    out = []
    for term in sorted(terms, key=lambda one: one.feature):
        feature = named_feature(term.feature)
        if feature.key in seen:
            raise InvalidTerm(f"The feature {feature.key} is named twice.")
        seen.add(feature.key)
        try:
            term_columns(feature, term)
        except InvalidTerm as error:
            wrong[feature.key] = error.detail
        out.append((feature, term))
    if wrong:
        raise InvalidTerm(next(iter(wrong.values())), features=wrong)
    return out


def checked_price(price: Price | None) -> dict[str, Any] | None:
    """Write a price as JSON.

    :raises InvalidTerm: it is none.
    """
    if price is None:
        return None
    if (
        not 0 <= price.amount <= names.MAX_LIMIT
        or len(price.currency) != 3  # noqa: PLR2004 - ISO 4217
        or not (price.currency.isascii() and price.currency.isalpha() and price.currency.islower())
        or price.interval not in PriceInterval.values
        or not price.interval
    ):
        raise InvalidTerm("A price is minor units, a lower-case ISO 4217 currency, and month, year or once.")
    return {"amount": price.amount, "currency": price.currency, "interval": price.interval}


def checked_trial(days: int, *, kind: str, is_default: bool) -> int:
    """Return days of a trial.

    :raises InvalidTerm: fewer than none, more than 365, or of what cannot be tried.
    """
    if not 0 <= days <= MAX_TRIAL_DAYS or (days and (kind != PlanKind.PLAN or is_default)):
        raise InvalidTerm(f"A plan is tried for up to {MAX_TRIAL_DAYS} days, an add-on or the default plan never.")
    return days


def checked_grace(days: int) -> int:
    """Return days of grace.

    :raises InvalidTerm: fewer than none, or more than 90.
    """
    if not 0 <= days <= MAX_GRACE_DAYS:
        raise InvalidTerm(f"Grace lasts from 0 to {MAX_GRACE_DAYS} days.")
    return days


def content_digest(price: dict[str, Any] | None, terms: Sequence[Term], grace_days: int) -> str:
    """Name what a version says: SHA-256, hex, of canonical JSON. What goes without saying is left out."""
    content: dict[str, Any] = {"price": price, "terms": [term_json(term) for term in terms]}
    if grace_days != GRACE_DAYS:
        content["grace_days"] = grace_days
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
