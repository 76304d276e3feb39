"""How much of each limit is used, as bars. Pure: what `licensing` counts in, words and shares out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from console.plan.wording import amount
from licensing import api as licensing
from tiergate import FeatureSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One limit.

    taken: used and reserved. most: the whole bar: the limit with what was carried over; None where there is none.
    note: what else is to be said; reset_at: when the count begins anew, if ever.
    """

    title: str
    taken: int
    most: int | None
    said: str
    note: str
    is_full: bool
    reset_at: datetime | None


def bars_of(usage: Mapping[str, licensing.UsageView], features: Mapping[str, FeatureSpec]) -> list[Bar]:
    """Draw each limit of a tenant, the fullest first."""
    return sorted((_bar(key, one, features.get(key)) for key, one in usage.items()), key=_fullness)


def _bar(key: str, one: licensing.UsageView, feature: FeatureSpec | None) -> Bar:
    taken = one.used + one.reserved
    most = None if one.limit is None else one.limit + one.carried
    notes = []
    if one.reserved:
        notes.append(f"{one.reserved:,} of it reserved.")
    if one.carried:
        notes.append(f"{one.carried:,} carried over.")
    if one.overage:
        notes.append(f"{one.overage:,} beyond what is included.")
    said = f"{taken:,} used" if most is None else f"{taken:,} of {amount(limit=most, unlimited=False, period=None)}"
    return Bar(
        title=(feature.title or key) if feature else key,
        taken=taken,
        most=most,
        said=said,
        note=" ".join(notes),
        is_full=most is not None and taken >= most,
        reset_at=one.reset_at,
    )


def _fullness(one: Bar) -> tuple[float, str]:
    return (1 if one.most is None else -(one.taken / one.most if one.most else 1), one.title)
