"""Bars of a chart, a stack for each day. Pure: whole numbers of a drawing that is stretched to its place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from riskengine import api as riskengine

HEIGHT: Final = 1_000
_STEP: Final = 10
_WIDTH: Final = 8
_DRAWN: Final = ("medium", "high", "critical")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rect:
    """One part of a stack. y: from above."""

    band: str
    x: int
    y: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What is drawn. most: what the whole height stands for."""

    rects: list[Rect]
    width: int
    most: int
    height: int = HEIGHT
    bar: int = _WIDTH
    bands: tuple[str, ...] = _DRAWN


def chart_of(days: Sequence[riskengine.Day]) -> Chart:
    """Draw the risky sessions of each day, the riskiest on top; a bar that stands for anything can be seen."""
    most = max((one.counts.risky for one in days), default=0)
    rects = []
    for number, day in enumerate(days):
        below = 0
        for band in _DRAWN:
            count = getattr(day.counts, band)
            if not count:
                continue
            top = below + count
            y, foot = HEIGHT - HEIGHT * top // most, HEIGHT - HEIGHT * below // most
            rects.append(Rect(band=band, x=number * _STEP + 1, y=y, height=max(1, foot - y)))
            below = top
    return Chart(rects=rects, width=_STEP * len(days), most=most)
