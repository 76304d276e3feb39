"""Bands and endings in words. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from riskengine import api as riskengine

MODES: Final[Mapping[riskengine.Mode, tuple[str, str]]] = MappingProxyType(
    {
        riskengine.Mode.ENFORCE: ("Enforce", "whoever looks risky is asked for more, as the table says."),
        riskengine.Mode.OBSERVE: ("Observe", "nothing is asked; the trail tells what would have been."),
        riskengine.Mode.OFF: ("Off", "nobody is looked at, and nothing is recorded."),
    }
)
OUTCOMES: Final[Mapping[riskengine.Outcome, str]] = MappingProxyType(
    {
        riskengine.Outcome.PASSED: "Confirmed",
        riskengine.Outcome.MINE: "“This was me”",
        riskengine.Outcome.NOT_MINE: "“This was not me”",
        riskengine.Outcome.FAILED: "Wrong answers only",
        riskengine.Outcome.REFUSED: "Sign-in refused",
        riskengine.Outcome.OPEN: "Nothing followed",
    }
)
"""In the order of the page's columns."""
_PERCENT: Final = 100


def percent(share: float) -> str:
    """Write a share of 0 to 1, e.g. ``"4.2 %"``; what is next to nothing is not written as nothing."""
    if 0 < share < 1 / (10 * _PERCENT):
        return "under 0.1 %"
    return f"{_PERCENT * share:.1f} %".replace(".0 %", " %")


def a_day(number: float) -> str:
    """Write how many there are on a day, e.g. ``"3.5"``."""
    if 0 < number < 1 / 10:
        return "under 0.1"
    return f"{number:,.1f}".removesuffix(".0")
