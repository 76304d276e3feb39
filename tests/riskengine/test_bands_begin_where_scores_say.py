"""Where bands begin is found from what a tenant's own people score, and nobody moves it by coming often."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from isolation.api import tenant_transaction
from riskengine import calibrating, references
from riskengine.bands import BUILT_IN, FARTHEST, Cutoffs, calibrated
from riskengine.models import PlatformCutoffs, Signal, TenantCutoffs
from riskengine.turns import alone
from tests.attacks.parallel import at_once
from tests.riskengine.conftest import NOON

pytestmark = pytest.mark.django_db


def scored(tenant_id: UUID, scores: list[float], *, person: str = "", kind: str = "seen", **more: Any) -> None:
    Signal.objects.using("sweep").bulk_create(
        Signal(
            tenant_id=tenant_id,
            at=NOON - timedelta(minutes=number),
            subject_type="user",
            subject_id=person or f"person-{number // 5}",
            kind=kind,
            seen={},
            score=score,
            **more,
        )
        for number, score in enumerate(scores)
    )


def cutoffs(tenant_id: UUID) -> Cutoffs:
    references.forget_usual()
    return references.of_tenant(tenant_id).cutoffs


SCORES = [number / 100 - 8 for number in range(1_000)]


def test_a_tenant_with_scores_has_cutoffs_of_its_own(acme: UUID, globex: UUID) -> None:
    scored(acme, SCORES)
    assert calibrating.calibrate(at=NOON) == 1
    assert cutoffs(acme) == calibrated(SCORES, fallback=BUILT_IN)
    assert cutoffs(acme) != BUILT_IN
    assert TenantCutoffs.objects.using("sweep").filter(tenant_id=globex).count() == 0


def test_one_with_too_few_has_those_of_all(acme: UUID, globex: UUID) -> None:
    scored(acme, SCORES)
    scored(globex, [9.0] * 99)
    calibrating.calibrate(at=NOON)
    platform = PlatformCutoffs.objects.get()
    found = cutoffs(globex)
    assert (found.medium, found.high, found.critical) == (platform.medium, platform.high, platform.critical)
    assert found.samples == 599


def test_without_any_scores_the_built_in_hold(acme: UUID) -> None:
    calibrating.calibrate(at=NOON)
    assert cutoffs(acme) == BUILT_IN


def test_whoever_comes_often_counts_as_anybody(acme: UUID) -> None:
    scored(acme, SCORES)
    calibrating.calibrate(at=NOON)
    before = cutoffs(acme)
    scored(acme, [50.0] * 1_000, person="mallory")
    calibrating.calibrate(at=NOON)
    after = cutoffs(acme)
    assert after.samples == before.samples + calibrating.MOST_OF_PERSON
    assert after.medium - before.medium < 0.3
    assert after.high <= BUILT_IN.high + FARTHEST


@pytest.mark.parametrize("kind", ["sign_in_failed", "step_up_failed", "told", "confirmed_not_mine"])
def test_what_was_not_the_persons_own_counts_not(acme: UUID, kind: str) -> None:
    scored(acme, SCORES)
    calibrating.calibrate(at=NOON)
    before = cutoffs(acme)
    scored(acme, [50.0] * 500, kind=kind)
    calibrating.calibrate(at=NOON)
    assert cutoffs(acme) == before


def test_a_session_that_its_person_did_not_know_counts_not(acme: UUID) -> None:
    scored(acme, SCORES)
    calibrating.calibrate(at=NOON)
    before, session = cutoffs(acme), uuid4()
    scored(acme, [50.0] * 10, person="olga", session_id=session)
    scored(acme, [1.0], person="olga", kind="confirmed_not_mine", session_id=session)
    calibrating.calibrate(at=NOON)
    assert cutoffs(acme) == before


def test_scores_of_long_ago_count_no_more(acme: UUID) -> None:
    scored(acme, SCORES)
    calibrating.calibrate(at=NOON)
    later = NOON + calibrating.SINCE + timedelta(days=1)
    assert calibrating.calibrate(at=later) == 0
    assert TenantCutoffs.objects.using("sweep").count() == 0


def test_a_tenants_scores_move_no_other_tenants_bands(acme: UUID, globex: UUID) -> None:
    scored(acme, SCORES)
    calibrating.calibrate(at=NOON)
    before = cutoffs(acme)
    scored(globex, [5.0] * 1_000)
    calibrating.calibrate(at=NOON)
    assert (cutoffs(acme).medium, cutoffs(acme).high) == (before.medium, before.high)


def test_one_finds_them_at_a_time(acme: UUID) -> None:
    scored(acme, SCORES)
    with alone(calibrating._LOCK):
        assert at_once(lambda _: calibrating.calibrate(at=NOON), 2) == [0, 0]
    assert calibrating.calibrate(at=NOON) == 1


def test_a_tenant_whose_scores_cannot_be_read_holds_up_no_other(
    acme: UUID, globex: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored(acme, SCORES)
    scored(globex, SCORES)
    read = calibrating._scores

    def fail(tenant_id: UUID, **more: Any) -> list[float]:
        if tenant_id == acme:
            raise ValueError
        return read(tenant_id, **more)

    monkeypatch.setattr(calibrating, "_scores", fail)
    assert calibrating.calibrate(at=NOON) == 1
    with tenant_transaction(globex):
        assert TenantCutoffs.objects.count() == 1
