"""How risky did sessions look, day by day?"""

from datetime import date
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from riskengine.figures.period import DAY, LOOKS, RANK, RANKS, SESSION, Period, rows

_BY_DAY: Final = f"""
    SELECT day, rank, count(*) FROM (
        SELECT {DAY} AS day, {SESSION} AS session, max({RANK}) AS rank
        FROM riskengine_signal s WHERE {LOOKS} GROUP BY 1, 2
    ) AS each GROUP BY 1, 2
"""  # noqa: S608 - of constants


class Counts(Struct, frozen=True, kw_only=True):
    """How many sessions were in each band."""

    low: int = 0
    unknown: int = 0
    medium: int = 0
    high: int = 0
    critical: int = 0

    @property
    def all(self) -> int:
        """Count all of them."""
        return self.low + self.unknown + self.risky

    @property
    def risky(self) -> int:
        """Count those that looked medium or riskier."""
        return self.medium + self.high + self.critical

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in RANKS})


class Day(Struct, frozen=True, kw_only=True):
    """One day by UTC: each session counts once, at the riskiest that it looked that day."""

    date: date
    counts: Counts = Counts()


def risk_over_time(period: Period) -> list[Day]:
    """Count a period's sessions by band, a day each, the oldest first; a day on which nobody came is among them."""
    found = {day: Day(date=day) for day in period.days}
    for day, rank, number in rows(period, _BY_DAY):
        one = found[day]
        found[day] = replace(one, counts=replace(one.counts, **{RANKS[rank - 1]: number}))
    return list(found.values())
