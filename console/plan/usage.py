"""How much of each limit is used, as bars, and on which days, as charts. Pure: what `licensing` counts in, words and shares out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from console.plan.wording import amount
from licensing import api as licensing
from tiergate import FeatureSpec

HEIGHT: Final = 1_000
_STEP: Final = 10
_WIDTH: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One limit.

    taken: used and reserved. most: the whole bar: the limit with what was carried over; None where there is none.
    note: what else is to be said; reset_at: when the count begins anew, if ever.
    """

    feature: str
    title: str
    taken: int
    most: int | None
    said: str
    note: str
    is_full: bool
    reset_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What stands for one day. y: from above."""

    x: int
    y: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One limit over some days.

    bar: how much of it is taken now; None where the plan has no such limit any more.
    is_by_day: False of seats, which nobody uses up. by_day: in words, the newest first.
    total, most: of all days, and of the fullest; in words, and "" where nothing was used.
    columns, width: of a drawing that is stretched to its place, and whose height stands for ``most``.
    """

    feature: str
    title: str
    bar: Bar | None
    is_by_day: bool
    by_day: Sequence[tuple[date, str]]
    total: str
    most: str
    columns: Sequence[Column]
    width: int
    height: int = HEIGHT
    column: int = _WIDTH


def bars_of(usage: Mapping[str, licensing.UsageView], features: Mapping[str, FeatureSpec]) -> list[Bar]:
    """Draw each limit of a tenant, the fullest first."""
    return sorted((_bar(key, one, features.get(key)) for key, one in usage.items()), key=_fullness)


def charts_of(bars: Iterable[Bar], found: licensing.UsageByDay, features: Mapping[str, FeatureSpec]) -> list[Chart]:
    """Draw the days of each limit, in the order of its bars; then of what was used and is no limit of the plan any more."""
    held = {one.feature: one for one in bars}
    gone = [key for key in found.used if key not in held]
    return [_chart(key, held.get(key), found, features.get(key)) for key in (*held, *gone)]


def _chart(key: str, bar: Bar | None, found: licensing.UsageByDay, feature: FeatureSpec | None) -> Chart:
    used = found.used.get(key, (0,) * len(found.days))
    most = max(used)
    return Chart(
        feature=key,
        title=_title(key, feature),
        bar=bar,
        is_by_day=feature is None or feature.counts is None,
        by_day=[(day, f"{one:,}") for day, one in zip(reversed(found.days), reversed(used), strict=True)],
        total=f"{sum(used):,}" if most else "",
        most=f"{most:,}" if most else "",
        # A day on which anything was used can be seen.
        columns=[
            Column(x=number * _STEP + 1, y=HEIGHT - height, height=height)
            for number, one in enumerate(used)
            if one and (height := max(HEIGHT // 100, HEIGHT * one // most))
        ],
        width=_STEP * len(used),
    )


def _title(key: str, feature: FeatureSpec | None) -> str:
    return (feature.title or key) if feature else key


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
        feature=key,
        title=_title(key, feature),
        taken=taken,
        most=most,
        said=said,
        note=" ".join(notes),
        is_full=most is not None and taken >= most,
        reset_at=one.reset_at,
    )


def _fullness(one: Bar) -> tuple[float, str]:
    return (1 if one.most is None else -(one.taken / one.most if one.most else 1), one.title)
