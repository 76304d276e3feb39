"""Which band a score is in. Cutoffs follow what a tenant's own people score, within bounds."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from riskengine.assessment import Assessment
from riskengine.words import FIRST_TIME
from tiergate import Band


class Cutoffs(Struct, frozen=True, kw_only=True):
    """From which score on a band begins, in log-odds; samples: of how many scores they were worked out."""

    medium: float
    high: float
    critical: float
    samples: int = 0


BUILT_IN: Final = Cutoffs(medium=-0.3, high=0.6, critical=3.0)
"""Where nothing else is known: about the top 5 %, 1 % and 0.1 % of people's own sign-ins in the training years of `bench/risk.py`."""

LEAST_SAMPLES: Final = 100
_TOP: Final = (("medium", 0.05), ("high", 0.01), ("critical", 0.001))
# A quantile is believed where at least so many scores lie above it.
_ABOVE: Final = 5
# How far a tenant's cutoffs may go from those that they fall back to: else whoever sends enough odd requests would raise them
# above all that could still be asked for, and a tenant of people who never change anything would be asked for nothing new.
FARTHEST: Final = 3.0


def band_of(score: float | None, cutoffs: Cutoffs) -> Band:
    """Give the band of a score; unknown where there is none."""
    if score is None:
        return "unknown"
    if score >= cutoffs.critical:
        return "critical"
    if score >= cutoffs.high:
        return "high"
    return "medium" if score >= cutoffs.medium else "low"


def banded(assessment: Assessment, cutoffs: Cutoffs) -> Assessment:
    """Give an assessment its band. A person's first time is never a low risk: what little is known of it can only raise it."""
    band = band_of(assessment.score, cutoffs)
    if band == "low" and any(reason.code == FIRST_TIME for reason in assessment.reasons):
        band = "unknown"
    return replace(assessment, band=band)


def calibrated(scores: Iterable[float], *, fallback: Cutoffs = BUILT_IN) -> Cutoffs:
    """Give the cutoffs above which 5 %, 1 % and 0.1 % of these scores lie.

    With too few of them for a quantile, its distance from the one below is the fallback's; below `LEAST_SAMPLES` all is the fallback's.

    scores: of requests that were most likely the people's own: let through as usual, or confirmed.
    """
    ordered = sorted(scores, reverse=True)
    if len(ordered) < LEAST_SAMPLES:
        return replace(fallback, samples=len(ordered))
    found: dict[str, float] = {}
    below = below_fallback = 0.0
    for name, top in _TOP:
        usual = float(getattr(fallback, name))
        above = int(len(ordered) * top)
        cutoff = ordered[above - 1] if above >= _ABOVE else below + usual - below_fallback
        cutoff = max(usual - FARTHEST, min(usual + FARTHEST, cutoff))
        found[name] = max(cutoff, below) if found else cutoff
        below, below_fallback = found[name], usual
    return Cutoffs(**found, samples=len(ordered))
