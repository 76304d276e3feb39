"""Each figure of the pages of risk, against signals that are few enough to be counted by hand."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from math import nan
from typing import Any
from uuid import UUID, uuid4

import pytest

from isolation.api import tenant_transaction
from riskengine import api as risk
from riskengine.bands import BUILT_IN, FARTHEST
from riskengine.figures import period as periods
from riskengine.figures.outcomes import Outcome
from riskengine.figures.over_time import Counts
from riskengine.models import Signal, TenantCutoffs
from tests.riskengine.conftest import NOON, tenant
from tiergate import Sensitivity

SCORES = {"low": -3.0, "unknown": None, "medium": 0.5, "high": 2.0, "critical": 5.0}
YESTERDAY = NOON - timedelta(days=1)
type Told = Callable[..., UUID]


@pytest.fixture
def told(acme: UUID) -> Told:
    """Store a signal of Acme as it was made of something; give the session that it is of."""

    def tell(
        kind: str = "seen", band: str = "low", *, of: UUID | None = None, at: datetime = NOON, **more: Any
    ) -> UUID:
        session = of or uuid4()
        tell_in(acme, kind, band, at=at, session=session, **more)
        return session

    return tell


def tell_in(tenant_id: UUID, kind: str, band: str, *, at: datetime, session: UUID | None, **more: Any) -> None:
    row = {"score": SCORES[band], "subject_type": "user", "subject_id": "olga", "seen": {}, "reasons": [], **more}
    with tenant_transaction(tenant_id):
        Signal.objects.create(tenant_id=tenant_id, kind=kind, band=band, at=at, session_id=session, **row)


def reason(code: str, weight: float, because: str = "") -> dict[str, Any]:
    return {"code": code, "weight": weight, "because": because or f"about {code}"}


def report(tenant_id: UUID, days: int = 7) -> risk.RiskReport:
    return risk.risk_report(tenant_id=tenant_id, days=days, at=NOON)


def asked(tenant_id: UUID, **begins: float) -> risk.WhatIf:
    risk.forget_usual()
    return risk.what_if(tenant_id=tenant_id, days=7, begins=begins, at=NOON)


def test_where_nobody_came_every_figure_is_nought(acme: UUID) -> None:
    found = report(acme)
    assert [one.date for one in found.days] == [date(2026, 11, day) for day in range(17, 24)]
    assert (found.counts, found.reasons, found.challenged) == (Counts(), [], [])
    assert (found.outcomes.all, found.outcomes.missed, found.outcomes.false_alarm_rate) == (0, 0, None)
    assert (asked(acme).now, asked(acme).days, asked(acme).not_own) == (Counts(), 1, 0)


def test_a_session_counts_once_a_day_at_the_riskiest_that_it_looked(acme: UUID, told: Told) -> None:
    session = told("sign_in", "low", at=YESTERDAY)
    told("seen", "high", of=session, at=YESTERDAY + timedelta(hours=1))
    told("seen", "medium", of=session, at=YESTERDAY + timedelta(hours=2))
    told("seen", "medium", of=session)
    told("seen", "unknown")
    *_, before, today = report(acme).days
    assert before.counts == Counts(high=1)
    assert today.counts == Counts(medium=1, unknown=1)
    assert report(acme).counts == Counts(high=1, medium=1, unknown=1)


def test_what_was_told_outside_a_session_counts_each_time_and_a_wrong_password_never(acme: UUID, told: Told) -> None:
    for _ in range(2):
        tell_in(acme, "told", "medium", at=NOON, session=None)
    tell_in(acme, "sign_in_failed", "unknown", at=NOON, session=None)
    tell_in(acme, "sign_in_failed", "critical", at=NOON, session=None)
    told("step_up_failed", "unknown")
    assert report(acme).counts == Counts(medium=2, critical=1)


def test_days_are_whole_ones_by_utc(acme: UUID, told: Told) -> None:
    told(at=datetime(2026, 11, 17, 0, 0, tzinfo=UTC))
    told(at=datetime(2026, 11, 16, 23, 59, 59, tzinfo=UTC))
    told(at=datetime(2026, 11, 17, 23, 59, 59, tzinfo=UTC))
    told(at=NOON + timedelta(seconds=1))
    found = report(acme)
    assert [one.counts.all for one in found.days] == [2, 0, 0, 0, 0, 0, 0]
    assert report(acme, days=30).counts.all == 3


@pytest.mark.parametrize(("asked_for", "given"), [(-1, 1), (1, 1), (90, 90), (91, 90), (10**9, 90)])
def test_a_period_is_ninety_days_at_most(acme: UUID, asked_for: int, given: int) -> None:
    assert len(report(acme, days=asked_for).period.days) == given


def test_a_period_holds_no_more_than_can_be_counted_and_only_whole_days(
    acme: UUID, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(periods, "MOST_SIGNALS", 3)
    for hours in (1, 30, 31, 32, 60):
        told(at=NOON - timedelta(hours=hours))
    found = report(acme)
    assert (found.period.is_cut, found.period.days[0], found.counts.all) == (True, date(2026, 11, 23), 1)
    monkeypatch.setattr(periods, "MOST_SIGNALS", 4)
    assert (report(acme).period.days[0], report(acme).counts.all) == (date(2026, 11, 22), 4)
    monkeypatch.setattr(periods, "MOST_SIGNALS", 5)
    assert (report(acme).period.is_cut, report(acme).counts.all) == (False, 5)


def test_today_is_told_however_much_happened(acme: UUID, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(periods, "MOST_SIGNALS", 1)
    for _ in range(3):
        told()
    assert report(acme).counts.all == 3


def test_reasons_are_counted_once_a_session_and_day_and_only_where_they_raised_a_risk(acme: UUID, told: Told) -> None:
    network, hour = reason("new_network", 2.0), reason("rare_hour", 0.5)
    session = told(band="high", reasons=[network, reason("usual_device", -2.0)])
    told(band="medium", of=session, reasons=[network, hour])
    told(band="medium", reasons=[network])
    told(band="low", reasons=[hour, network])
    assert [(one.code, one.sessions, one.because) for one in report(acme).reasons] == [
        ("new_network", 2, "about new_network"),
        ("rare_hour", 1, "about rare_hour"),
    ]


def test_a_reason_is_told_in_the_words_that_were_said_most(acme: UUID, told: Told) -> None:
    for words in ("first time; usual country", "first time", "first time"):
        told(band="medium", reasons=[reason("new_network", 1.0, words)])
    assert [one.because for one in report(acme).reasons] == ["first time"]


def test_ten_reasons_are_told_and_what_is_stored_oddly_is_none(acme: UUID, told: Told) -> None:
    told(band="medium", reasons=[reason(f"code_{number:02}", 1.0) for number in range(12)])
    told(band="medium", reasons={"code": "odd"})
    told(band="medium", reasons=["odd", 7, None])
    assert [one.code for one in report(acme).reasons] == [f"code_{number:02}" for number in range(10)]
    assert sorted(len(one.because) for one in report(acme).challenged) == [0, 0, 3]


def ends(told: Told, band: str, *kinds: str) -> UUID:
    """Let a session look so, and then let these things follow, a minute each."""
    session = told(band=band, at=YESTERDAY)
    for number, kind in enumerate(kinds, 1):
        told(kind, "unknown", of=session, at=YESTERDAY + timedelta(minutes=number))
    return session


@pytest.mark.parametrize(
    ("kinds", "outcome"),
    [
        ((), Outcome.OPEN),
        (("step_up_passed",), Outcome.PASSED),
        (("step_up_failed", "step_up_passed"), Outcome.PASSED),
        (("step_up_passed", "step_up_failed"), Outcome.PASSED),
        (("step_up_failed", "step_up_failed"), Outcome.FAILED),
        (("confirmed_mine",), Outcome.MINE),
        (("step_up_failed", "confirmed_mine"), Outcome.MINE),
        (("step_up_passed", "confirmed_not_mine"), Outcome.NOT_MINE),
        (("confirmed_mine", "confirmed_not_mine"), Outcome.NOT_MINE),
    ],
)
def test_a_session_ended_as_its_person_showed_or_said(
    acme: UUID, told: Told, kinds: tuple[str, ...], outcome: Outcome
) -> None:
    ends(told, "high", *kinds)
    found = report(acme)
    assert found.outcomes.by_band == {"medium": {}, "high": {outcome: 1}, "critical": {}}
    assert [(one.subject, one.at, one.band, one.outcome) for one in found.challenged] == [
        (("user", "olga"), YESTERDAY, "high", outcome)
    ]


def test_what_was_confirmed_before_it_looked_risky_ended_nothing(acme: UUID, told: Told) -> None:
    session = told("sign_in", "low", at=YESTERDAY)
    told("step_up_passed", "unknown", of=session, at=YESTERDAY + timedelta(minutes=1))
    told("seen", "critical", of=session, at=YESTERDAY + timedelta(minutes=2))
    assert report(acme).outcomes.by_band["critical"] == {Outcome.OPEN: 1}


def test_a_sign_in_that_was_refused_for_how_it_looked_is_told(acme: UUID) -> None:
    tell_in(acme, "sign_in_failed", "critical", at=NOON, session=None)
    assert report(acme).outcomes.by_band["critical"] == {Outcome.REFUSED: 1}


def test_a_session_is_told_at_its_riskiest_with_the_reasons_of_that(acme: UUID, told: Told) -> None:
    session = told(band="medium", at=YESTERDAY, reasons=[reason("rare_hour", 1.0)])
    strong = [reason("tor", 3.0), reason("usual_device", -1.0), *(reason(f"code_{n}", 1.0) for n in range(4))]
    told(band="critical", of=session, reasons=strong)
    (one,) = report(acme).challenged
    assert (one.at, one.band, one.because) == (YESTERDAY, "critical", ("about tor", "about code_0", "about code_1"))


def test_the_newest_fifty_are_listed_and_all_are_counted(acme: UUID, told: Told) -> None:
    for number in range(52):
        told(band="medium", at=NOON - timedelta(minutes=number), subject_id=f"person-{number}")
    found = report(acme)
    assert [one.subject[1] for one in found.challenged] == [f"person-{number}" for number in range(50)]
    assert found.outcomes.all == 52


def test_false_alarms_are_those_that_were_the_person_of_those_of_which_it_is_known(acme: UUID, told: Told) -> None:
    for kinds in (("confirmed_mine",), ("step_up_passed",), ("step_up_passed",), ("confirmed_not_mine",), (), ()):
        ends(told, "medium", *kinds)
    ends(told, "high", "step_up_failed")
    tell_in(acme, "sign_in_failed", "critical", at=NOON, session=None)
    assert report(acme).outcomes.false_alarm_rate == 3 / 5


def test_what_looked_low_and_was_not_the_persons_was_missed(acme: UUID, told: Told) -> None:
    ends(told, "low", "confirmed_not_mine")
    ends(told, "unknown", "confirmed_not_mine")
    ends(told, "medium", "confirmed_not_mine")
    told("confirmed_not_mine", "unknown")  # nobody was looked at in the period
    found = report(acme)
    assert (found.outcomes.missed, found.outcomes.all, len(found.challenged)) == (2, 1, 1)


def cut_at(tenant_id: UUID, medium: float, high: float, critical: float) -> None:
    with tenant_transaction(tenant_id):
        TenantCutoffs.objects.update_or_create(
            tenant_id=tenant_id,
            defaults={"medium": medium, "high": high, "critical": critical, "samples": 1_000, "calibrated_at": NOON},
        )


@pytest.fixture
def scored(acme: UUID, told: Told) -> UUID:
    """Acme, two days long: scores of -3 to 6, one each; a first time at -1, and nobody known; two were not their person's."""
    cut_at(acme, 0.0, 1.0, 4.0)
    for number in range(-3, 7):
        told("sign_in", "low", score=float(number), at=YESTERDAY)
    told("sign_in", "unknown", score=-1.0, reasons=[reason("first_time", 0.0)])
    told("sign_in", "unknown")
    told("confirmed_not_mine", "unknown", of=told("sign_in", "low", score=0.4))
    told("step_up_failed", "unknown", of=told("sign_in", "low", score=2.4))
    return acme


def test_with_bands_where_they_are_nothing_changes(scored: UUID) -> None:
    found = asked(scored)
    assert found.now == Counts(low=3, unknown=2, medium=2, high=4, critical=3)
    assert (found.then, found.cutoffs_then, found.days, found.not_own) == (found.now, found.cutoffs, 2, 2)
    # By default standard asks from high on, and premium and regulated from medium on.
    standard, premium = found.asked[Sensitivity.STANDARD], found.asked[Sensitivity.PREMIUM]
    assert (standard.a_day, standard.unasked) == (3.5, 1)
    assert (premium.a_day, premium.unasked) == (4.5, 0)
    assert (standard.a_day_then, standard.unasked_then) == (3.5, 1)


def test_with_bands_elsewhere_all_that_was_recorded_is_counted_anew(scored: UUID) -> None:
    found = asked(scored, medium=2.0, high=3.0, critical=5.5)
    assert found.then == Counts(low=6, unknown=2, medium=2, high=3, critical=1)
    assert found.now == Counts(low=3, unknown=2, medium=2, high=4, critical=3)
    premium = found.asked[Sensitivity.PREMIUM]
    assert (premium.a_day, premium.a_day_then, premium.unasked, premium.unasked_then) == (4.5, 3.0, 0, 1)
    standard = found.asked[Sensitivity.STANDARD]
    assert (standard.a_day_then, standard.unasked_then) == (2.0, 2)


def test_a_score_at_which_a_band_begins_is_in_it(scored: UUID) -> None:
    assert asked(scored, medium=1.0, high=2.0, critical=5.0).then == Counts(
        low=5, unknown=2, medium=1, high=4, critical=2
    )


def test_a_first_time_is_never_low_and_can_be_risky(scored: UUID) -> None:
    found = asked(scored, medium=-1.0)
    assert (found.then.unknown, found.then.medium) == (1, 4)


def test_what_a_tenant_asks_of_the_unknown_is_counted(scored: UUID) -> None:
    table = {
        "unknown": {name: {"level": "aal2"} for name in ("standard", "premium", "regulated")},
    }
    risk.put_policy(tenant_id=scored, table=table, by="a test", at=NOON)
    assert asked(scored).asked[Sensitivity.STANDARD].a_day == (7 + 2) / 2


@pytest.mark.parametrize(
    ("kinds", "not_own"),
    [
        (("step_up_failed",), 1),
        (("step_up_failed", "step_up_passed"), 0),
        (("step_up_failed", "confirmed_mine"), 0),
        (("step_up_passed", "confirmed_not_mine"), 1),
        ((), 0),
    ],
)
def test_whoever_confirmed_after_a_slip_was_the_person(
    acme: UUID, told: Told, kinds: tuple[str, ...], not_own: int
) -> None:
    ends(told, "high", *kinds)
    assert asked(acme).not_own == not_own


def test_a_session_of_two_days_is_asked_on_each_and_caught_once(acme: UUID, told: Told) -> None:
    cut_at(acme, 0.0, 1.0, 4.0)
    session = told("sign_in", "low", score=-2.0, at=YESTERDAY)
    told("seen", "low", of=session, score=2.0)
    told("confirmed_not_mine", "unknown", of=session)
    found = asked(acme, medium=-2.0)
    assert (found.then, found.not_own) == (Counts(medium=1, high=1), 1)
    assert found.asked[Sensitivity.PREMIUM].a_day_then == 1.0


LEAST, MOST = BUILT_IN.medium - FARTHEST, BUILT_IN.critical + FARTHEST


@pytest.mark.parametrize(
    ("begins", "begin"),
    [
        ({"medium": -99.0}, (LEAST, 1.0, 2.5)),
        ({"critical": 99.0}, (0.0, 1.0, MOST)),
        ({"medium": 2.0}, (2.0, 2.0, 2.5)),
        ({"high": -1.0}, (0.0, 0.0, 2.5)),
        ({"medium": nan}, (LEAST, 1.0, 2.5)),
        ({"odd": 1.0}, (0.0, 1.0, 2.5)),
    ],
)
def test_a_band_is_tried_within_bounds_and_begins_no_lower_than_the_one_before(
    acme: UUID, begins: dict[str, float], begin: tuple[float, float, float]
) -> None:
    cut_at(acme, 0.0, 1.0, 2.5)
    then = asked(acme, **begins).cutoffs_then
    assert (then.medium, then.high, then.critical) == begin


def test_figures_of_a_tenant_tell_nothing_of_anothers(acme: UUID, globex: UUID, told: Told) -> None:
    ends(told, "critical", "step_up_passed")
    cut_at(globex, 0.0, 1.0, 4.0)
    tell_in(globex, "seen", "medium", at=NOON, session=uuid4(), subject_id="gina", reasons=[reason("tor", 2.0)])
    found = report(globex)
    assert (found.counts, [one.subject[1] for one in found.challenged]) == (Counts(medium=1), ["gina"])
    assert [one.code for one in found.reasons] == ["tor"]
    assert asked(globex).now == Counts(medium=1)
    assert report(acme).counts == Counts(critical=1)


def test_the_operator_counts_the_tenants_that_are_named(acme: UUID, globex: UUID, told: Told) -> None:
    session = told(band="medium")
    told(band="high", of=session)
    told(band="low", at=NOON - timedelta(days=8))
    tell_in(globex, "seen", "low", at=NOON, session=uuid4())
    other = tenant("initech")
    tell_in(other, "seen", "critical", at=NOON, session=uuid4())
    found = risk.risk_by_tenant(tenant_ids=[acme, globex, uuid4()], at=NOON)
    assert found == {acme: Counts(high=1), globex: Counts(low=1)}
    with pytest.raises(ValueError, match="at most 50"):
        risk.risk_by_tenant(tenant_ids=[uuid4() for _ in range(51)], at=NOON)
