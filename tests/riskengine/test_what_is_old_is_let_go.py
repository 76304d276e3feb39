"""Addresses go after their retention, signals after theirs once they are learned, and nothing that is young goes with them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connections

from riskengine import expiring, folding
from riskengine.models import ProfileRow, SessionRisk, Signal
from tests.riskengine.conftest import HOME, NOON, OLGA, assessed, taught

pytestmark = pytest.mark.django_db


def expire(*, at: datetime = NOON) -> expiring.Expired:
    return expiring.expire(clock=lambda: at, until=at + timedelta(seconds=1))


def fold() -> None:
    folding.fold(clock=lambda: NOON, until=NOON + timedelta(seconds=1))


def test_an_address_goes_after_its_retention_and_its_network_stays(acme: UUID, settings: Any) -> None:
    settings.RISK_RETENTION_DAYS = 10
    for days in (9, 10, 11, 12):
        taught(acme, days=1, ip="203.0.113.7", at=NOON - timedelta(days=days - 1))
    assert expire() == expiring.Expired(addresses=2)
    found = Signal.objects.using("sweep").order_by("at").values_list("ip", "network")
    assert list(found) == [(None, HOME.network)] * 2 + [("203.0.113.7", HOME.network)] * 2
    assert expire() == expiring.Expired()


def test_a_signal_goes_once_it_is_old_and_learned(acme: UUID, settings: Any) -> None:
    settings.RISK_SIGNAL_DAYS = 60
    taught(acme, days=1, at=NOON - timedelta(days=60))
    fold()
    taught(acme, days=1, at=NOON - timedelta(days=61))
    taught(acme, days=1, at=NOON - timedelta(days=50))
    before = assessed(acme)
    assert expire().signals == 1
    assert Signal.objects.using("sweep").count() == 2
    assert assessed(acme) == before
    fold()
    assert expire().signals == 1


def test_what_is_left_at_the_end_of_a_turn_goes_in_the_next(acme: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiring, "BATCH", 2)
    taught(acme, days=7, ip="203.0.113.7", at=NOON - timedelta(days=100))
    ticks = iter(NOON + timedelta(seconds=number) for number in range(100))
    first = expiring.expire(clock=lambda: next(ticks), until=NOON + timedelta(seconds=3))
    assert 0 < first.addresses < 7
    assert expire().addresses == 7 - first.addresses


def test_a_batch_is_bounded_however_the_database_goes_about_it(acme: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiring, "BATCH", 2)
    taught(acme, days=7, ip="203.0.113.7", at=NOON - timedelta(days=100))
    ways = ("hashjoin", "mergejoin", "hashagg", "sort", "material", "indexscan", "bitmapscan", "indexonlyscan")
    with connections[expiring.SWEEP].cursor() as cursor:
        try:
            for way in ways:
                cursor.execute(f"SET enable_{way} = off")
            ticks = iter(NOON + timedelta(seconds=number) for number in range(100))
            assert expiring.expire(clock=lambda: next(ticks), until=NOON + timedelta(seconds=2)).addresses == 2
        finally:
            for way in ways:
                cursor.execute(f"RESET enable_{way}")


def test_profiles_of_people_who_stay_away_and_old_sessions_go(acme: UUID) -> None:
    taught(acme)
    fold()
    person: dict[str, Any] = {"tenant_id": acme, "subject_type": OLGA[0], "subject_id": OLGA[1], "noted_at": NOON}
    noted: list[dict[str, Any]] = [
        {"band": "high", "raised_at": NOON},
        {"band": "medium"},
        {"band": "high", "raised_at": None},
    ]
    for one in noted:
        SessionRisk.objects.using("sweep").create(**person, session_id=uuid4(), **one)
    assert expire(at=NOON + timedelta(days=80)) == expiring.Expired()
    assert expire(at=NOON + timedelta(days=91)).sessions == len(noted), "those too that were never raised"
    assert ProfileRow.objects.using("sweep").count() == 1
    assert expire(at=NOON + expiring.PROFILES_AFTER + timedelta(days=1)).profiles == 1
