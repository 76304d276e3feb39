"""What a person is known by is in the database; Valkey has it nearer, and whatever becomes of Valkey, nobody looks safer."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import redis
from django.db import transaction

from isolation.api import tenant_transaction
from riskengine import api as risk
from riskengine import folding, keys, store
from riskengine.known import Known, read_known
from tests.riskengine.conftest import FAR, HOME, NOON, OLGA, assessed, failed, known, learned, taught

pytestmark = pytest.mark.django_db


def values(found: Known) -> tuple[Any, ...]:
    """Give everything that a score is made of, rounded as the ninth place of a weight is no matter."""
    failures = found.failures()
    return (
        learned(found),
        round(failures.person, 9),
        round(failures.network, 9),
        failures.people_on_network,
        found.session,
    )


def test_somebody_of_whom_nothing_is_known_is_unknown_and_never_low(acme: UUID) -> None:
    found = assessed(acme)
    assert (found.band, found.score) == ("unknown", None)


def test_a_person_as_usual_is_low_and_elsewhere_is_not(acme: UUID) -> None:
    taught(acme, days=20)
    assert assessed(acme).band == "low"
    assert assessed(acme, FAR).band in {"high", "critical"}


def test_what_nothing_is_told_of_is_not_assessed(acme: UUID, no_valkey: None) -> None:
    assert assessed(acme, risk.Seen()) is risk.NOT_ASSESSED


def test_valkey_and_the_database_tell_the_same(acme: UUID) -> None:
    taught(acme, days=5)
    failed(acme, times=3)
    failed(acme, times=2, subject=("user", "paul"), at=NOON - timedelta(minutes=20))
    by_database = known(acme)
    by_valkey = known(acme)
    assert values(by_database) == values(by_valkey)
    assert by_valkey.failures().people_on_network == 2


def test_what_is_recorded_after_valkey_knows_somebody_is_known_to_both_at_once(acme: UUID, valkey: redis.Redis) -> None:
    taught(acme, days=5)
    known(acme)
    taught(acme, FAR, days=1, at=NOON)
    failed(acme, times=3, at=NOON - timedelta(minutes=7))
    by_valkey = known(acme)
    valkey.flushdb()
    assert values(by_valkey) == values(known(acme))
    assert by_valkey.failures().person == pytest.approx(3 * 2 ** (-7 / 15))


def test_a_wiped_valkey_forgets_nobody(acme: UUID, valkey: redis.Redis) -> None:
    taught(acme, days=20)
    failed(acme, FAR, times=5)
    before, other = assessed(acme), assessed(acme, FAR)
    valkey.flushdb()
    assert assessed(acme) == before
    assert assessed(acme, FAR) == other
    assert other.band != "low"


def test_without_valkey_the_database_tells(acme: UUID, no_valkey: None) -> None:
    taught(acme, days=20)
    assert assessed(acme).band == "low"
    assert assessed(acme, FAR).band in {"high", "critical"}


def test_without_either_nothing_is_said(acme: UUID, no_valkey: None, superuser: psycopg.Connection) -> None:
    taught(acme, days=20)
    superuser.execute("REVOKE EXECUTE ON FUNCTION riskengine_known FROM PUBLIC")
    try:
        with pytest.raises(risk.RiskUnavailable):
            assessed(acme)
    finally:
        superuser.execute("GRANT EXECUTE ON FUNCTION riskengine_known TO PUBLIC")


def test_what_somebody_else_wrote_into_valkey_is_not_believed(acme: UUID, valkey: redis.Redis) -> None:
    taught(acme, days=20)
    taught(acme, FAR, days=20, subject=("user", "mallory"))
    # So that each profile holds what was taught, and there is something to be mistaken for.
    folding.fold(clock=lambda: NOON, until=NOON + timedelta(seconds=1))
    # Of no session: one that Valkey does not know has all be read from the database.
    before = assessed(acme, FAR, session_id=None)
    assert before.band != "low"
    assessed(acme, FAR, session_id=None, subject=("user", "mallory"))
    of_olga, of_mallory = (next(iter(valkey.keys(f"*{keys.who(one)}:state"))) for one in (OLGA, ("user", "mallory")))
    state = valkey.hget(of_mallory, "s")
    assert state
    valkey.hset(of_olga, "s", state)
    assert assessed(acme, FAR, session_id=None) == before


def test_a_failure_that_falls_between_reading_and_putting_is_not_lost(acme: UUID) -> None:
    taught(acme)
    names = keys.reading_keys(acme, OLGA, HOME.network, None)
    with pytest.raises(store._Missing) as missing:
        store._from_valkey(names, has_network=True, has_session=False, at=NOON)
    read_before = read_known(tenant_id=acme, subject=OLGA, network=HOME.network, session_id=None, at=NOON)
    failed(acme)
    store._put(names, read_before, missing.value.began, has_network=True, has_session=False, at=NOON)
    assert known(acme).failures().person == pytest.approx(1.0)
    assert known(acme).failures().network == pytest.approx(1.0)


def test_tenants_know_nothing_of_each_others_people(acme: UUID, globex: UUID) -> None:
    taught(acme, days=20)
    failed(acme, times=9)
    assert assessed(globex).band == "unknown"
    assert (known(globex).failures().person, known(globex).failures().network) == (0.0, 0.0)


def test_what_is_rolled_back_is_told_nobody(acme: UUID) -> None:
    known(acme)
    with tenant_transaction(acme):
        failed(acme, times=3)
        taught(acme)
        transaction.set_rollback(True)
    assert values(known(acme)) == (None, 0.0, 0.0, 0, None)


def test_a_session_that_looks_riskier_is_noted_once_for_its_looks(acme: UUID, valkey: redis.Redis) -> None:
    taught(acme, days=20)
    session = uuid4()
    assert assessed(acme, session_id=session).raised_at is None
    first = assessed(acme, FAR, session_id=session)
    assert first.raised_at == NOON
    again = NOON + timedelta(minutes=5)
    assert assessed(acme, FAR, session_id=session, at=again).raised_at == NOON
    assert assessed(acme, session_id=session, at=again).raised_at == NOON, "what was proved before counts no more"
    valkey.flushdb()
    assert assessed(acme, session_id=session, at=again).raised_at == NOON
    another = risk.Seen(network="192.0.2.0/24", asn="AS64777", country="CN", family="Opera", device="d-third")
    assert assessed(acme, another, session_id=session, at=again).raised_at == again
