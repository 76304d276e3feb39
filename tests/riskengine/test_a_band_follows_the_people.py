"""Bands follow what a tenant's own people score, within bounds."""

import pytest

from riskengine.assessment import NOT_ASSESSED, Assessment, RiskReason
from riskengine.bands import BUILT_IN, FARTHEST, LEAST_SAMPLES, Cutoffs, band_of, banded, calibrated

CUTOFFS = Cutoffs(medium=1.0, high=3.0, critical=6.0)


@pytest.mark.parametrize(
    ("score", "band"),
    [(-9.0, "low"), (0.99, "low"), (1.0, "medium"), (3.0, "high"), (6.0, "critical"), (99.0, "critical")],
)
def test_a_band_begins_at_its_cutoff(score: float, band: str) -> None:
    assert band_of(score, CUTOFFS) == band
    assert banded(Assessment(score=score), CUTOFFS).band == band


def test_what_has_no_score_is_unknown_and_never_low() -> None:
    assert band_of(None, CUTOFFS) == "unknown"
    assert banded(NOT_ASSESSED, CUTOFFS) == NOT_ASSESSED


@pytest.mark.parametrize(("score", "band"), [(0.5, "unknown"), (2.0, "medium")])
def test_a_first_time_can_only_be_raised(score: float, band: str) -> None:
    reasons = (
        RiskReason(code="stuffing", weight=score, because="."),
        RiskReason(code="first_time", weight=0, because="."),
    )
    assert banded(Assessment(score=score, reasons=reasons), CUTOFFS).band == band


def test_too_few_scores_leave_the_cutoffs_that_were() -> None:
    found = calibrated([50.0] * (LEAST_SAMPLES - 1), fallback=CUTOFFS)
    assert (found.medium, found.high, found.critical) == (1.0, 3.0, 6.0)
    assert found.samples == LEAST_SAMPLES - 1


def test_a_twentieth_a_hundredth_and_a_thousandth_lie_at_or_above() -> None:
    scores = [number / 10_000 for number in range(10_000)]
    found = calibrated(scores, fallback=Cutoffs(medium=1.0, high=1.0, critical=1.0))
    assert [sum(score >= cutoff for score in scores) for cutoff in (found.medium, found.high, found.critical)] == [
        500,
        100,
        10,
    ]


def test_a_quantile_that_few_lie_above_keeps_its_distance() -> None:
    found = calibrated([number / 200 for number in range(200)], fallback=CUTOFFS)
    assert found.medium == pytest.approx(0.95)
    assert found.high - found.medium == pytest.approx(CUTOFFS.high - CUTOFFS.medium)
    assert found.critical - found.high == pytest.approx(CUTOFFS.critical - CUTOFFS.high)


@pytest.mark.parametrize("flood", [-1000.0, 1000.0])
def test_nobody_moves_cutoffs_farther_than_their_bound(flood: float) -> None:
    found = calibrated([flood] * 100_000)
    assert abs(found.medium - BUILT_IN.medium) <= FARTHEST
    assert abs(found.critical - BUILT_IN.critical) <= FARTHEST
    assert found.medium <= found.high <= found.critical
