"""What came of looking at one request: a score, its band, and why."""

from datetime import datetime
from typing import Final

from msgspec import Struct

from tiergate import Band


class RiskReason(Struct, frozen=True, kw_only=True):
    """One contribution to a score, in log-odds. code: public and stable, e.g. ``"new_network"``. because: for people."""

    code: str
    weight: float
    because: str


class Assessment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How risky a request looks.

    score: log-odds; None where there is nothing to score by, as for a person's first time: never a low risk.
    reasons: strongest first. hard: codes of evaluators that may block together with a critical band.
    raised_at: since when the session that it is of looks riskier than before, which it then stays; what its person has proved before
    counts no more.
    """

    score: float | None = None
    band: Band = "unknown"
    reasons: tuple[RiskReason, ...] = ()
    hard: tuple[str, ...] = ()
    raised_at: datetime | None = None


NOT_ASSESSED: Final = Assessment()
