"""Whoever is erased is gone from everywhere, and nothing that is on its way, late or half done brings them back."""

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from django.db import connections

from isolation.api import tenant_transaction
from riskengine import api as risk
from riskengine import clearing, draining, erasing, expiring, folding, keys, recomputing, store
from riskengine import valkey as asking
from riskengine.known import read_known
from riskengine.models import Erasure, ProfileRow, SessionRisk, Signal
from riskengine.sessions import note_session
from riskengine.sights import flush_sights
from riskengine.stored import decode_stored
from tests.riskengine.conftest import FAR, HOME, NOON, OLGA, assessed, failed, known, taught

pytestmark = pytest.mark.django_db

PAUL = ("user", "paul")
LATER = NOON + timedelta(minutes=1)


def fold(*, at: Any = NOON) -> int:
    return folding.fold(clock=lambda: at, until=at + timedelta(seconds=1))


def erase(tenant_id: UUID, *, at: Any = NOON, subject: Any = OLGA) -> risk.Erased:
    return risk.erase_person(tenant_id=tenant_id, subject=subject, at=at)


def rows(subject: Any = OLGA) -> int:
    """Count what the tables hold of a person."""
    person = {"subject_type": subject[0], "subject_id": subject[1]}
    return sum(model.objects.using("sweep").filter(**person).count() for model in (Signal, ProfileRow, SessionRisk))


def in_valkey(valkey: redis.Redis, subject: Any = OLGA) -> list[bytes]:
    """List where Valkey has anything of a person, but for marks that keep it from being put there."""
    found: Any = valkey.keys(f"*{keys.who(subject)}*")
    return [key for key in found if not key.endswith(b":n")]


@pytest.fixture
def olga(acme: UUID) -> UUID:
    """Have Olga be known everywhere: learned, waiting, failed, risky in a session, and in Valkey."""
    taught(acme, days=9, ip="203.0.113.7")
    fold()
    taught(acme, days=2)
    failed(acme, times=2)
    assessed(acme, FAR, session_id=SESSION)
    known(acme, session_id=SESSION)
    return acme


SESSION = uuid4()


def test_who_is_erased_is_gone_from_every_place_and_others_stay(olga: UUID, valkey: redis.Redis) -> None:
    taught(olga, days=3, subject=PAUL)
    fold()
    known(olga, subject=PAUL)
    assert rows() > 10
    assert in_valkey(valkey)
    before = rows(PAUL)
    erased = erase(olga)
    assert (erased.signals, erased.failures, erased.profiles, erased.sessions) == (11, 2, 1, (SESSION,))
    assert (rows(), rows(PAUL)) == (0, before)
    assert (in_valkey(valkey), len(in_valkey(valkey, PAUL))) == ([], 2)
    assert assessed(olga, at=LATER).band == "unknown"
    assert assessed(olga, subject=PAUL, at=LATER).band != "unknown"
    with connections["sweep"].cursor() as cursor:
        cursor.execute("SELECT to_jsonb(e)::text FROM riskengine_erasure e")
        assert not [row for (row,) in cursor.fetchall() if "olga" in row]


def test_who_is_erased_in_one_tenant_is_known_in_the_other(acme: UUID, globex: UUID) -> None:
    for tenant_id in (acme, globex):
        taught(tenant_id, days=20)
    erase(acme)
    assert (assessed(acme, at=LATER).band, assessed(globex, at=LATER).band) == ("unknown", "low")


def test_what_failed_on_a_network_of_late_goes_on_to_count_as_nobodys(olga: UUID, valkey: redis.Redis) -> None:
    before = known(olga, subject=PAUL).failures()
    assert (before.network, before.people_on_network) == (2.0, 1)
    erase(olga)
    for _ in range(2):
        assert known(olga, subject=PAUL).failures() == before
    fold()
    assert known(olga, subject=PAUL).failures() == before
    left = Signal.objects.using("sweep").values("subject_type", "ip", "session_id", "seen", "reasons")
    assert list(left) == [{"subject_type": "nobody", "ip": None, "session_id": None, "seen": {}, "reasons": []}] * 2
    assert known(olga).failures().person == 0.0


def test_what_failed_long_ago_is_deleted(acme: UUID) -> None:
    failed(acme, times=2, at=NOON - timedelta(hours=5))
    assert erase(acme).signals == 2
    assert not Signal.objects.using("sweep").exists()


def test_what_happened_before_is_not_taken_afterwards_and_what_comes_after_is(olga: UUID, valkey: redis.Redis) -> None:
    erase(olga)
    assert known(olga).stored is None
    taught(olga, days=2)
    failed(olga, at=NOON)
    taught(olga, FAR, days=1, at=NOON + timedelta(days=1), signal_id=uuid4())
    assert (rows(), known(olga).taught, known(olga).failures().person) == (0, (), 0.0)
    taught(olga, days=1, at=LATER + timedelta(days=1))
    assert (rows(), len(known(olga).taught)) == (1, 1)
    valkey.flushdb()
    assert len(known(olga).taught) == 1


def test_a_sight_that_waits_in_the_stream_brings_nobody_back(olga: UUID) -> None:
    assessed(olga, session_id=uuid4())
    assessed(olga, session_id=uuid4(), subject=PAUL)
    assert flush_sights(seconds=5)
    erase(olga)
    assert draining.drain_sights(at=LATER) >= 2
    assert (rows(), rows(PAUL)) == (0, 1)


def test_a_sight_that_is_older_than_an_erasure_is_remembered_is_not_stored(acme: UUID) -> None:
    assessed(acme, session_id=uuid4())
    assessed(acme, session_id=uuid4(), at=NOON + timedelta(hours=1))
    assert flush_sights(seconds=5)
    assert draining.drain_sights(at=NOON + erasing.LATEST) == 2
    assert [one.at for one in Signal.objects.using("sweep").all()] == [NOON + timedelta(hours=1)]


def test_a_session_that_is_judged_meanwhile_is_not_noted_again(olga: UUID) -> None:
    erase(olga)
    with pytest.raises(risk.RiskUnavailable):
        note_session(
            tenant_id=olga, subject=OLGA, session_id=uuid4(), seen=FAR, band="high", happened_at=NOON, at=LATER
        )
    with tenant_transaction(olga), pytest.raises(risk.RiskUnavailable):
        risk.begin_session(
            tenant_id=olga,
            subject=OLGA,
            session_id=uuid4(),
            seen=FAR,
            assessment=risk.Assessment(band="medium"),
            at=NOON,
        )
    assert rows() == 0


def test_what_was_read_before_is_not_put_into_valkey_afterwards(olga: UUID, valkey: redis.Redis) -> None:
    valkey.flushdb()
    names = keys.reading_keys(olga, OLGA, HOME.network, SESSION)
    with pytest.raises(store._Missing) as missing:
        store._from_valkey(names, has_network=True, has_session=True, at=NOON)
    asked: dict[str, Any] = {"tenant_id": olga, "subject": OLGA, "network": HOME.network, "session_id": SESSION}
    read_before = read_known(**asked, at=NOON)
    erase(olga)
    store._put(names, read_before, missing.value.began, has_network=True, has_session=True, at=NOON)
    assert (in_valkey(valkey), known(olga, session_id=SESSION).session) == ([], None)


def test_a_profile_that_is_published_late_is_not_put_into_valkey(olga: UUID, valkey: redis.Redis) -> None:
    _, changed, _ = folding._fold_batch(500, is_told=True, at=NOON)
    assert len(changed) == 1
    erase(olga)
    assert known(olga).stored is None, "and Valkey knows that"
    folding._publish(changed)
    assert known(olga).stored is None
    taught(olga, days=1, at=LATER + timedelta(days=1))
    fold(at=LATER)
    found = known(olga)
    assert found.stored is not None
    assert (found.stored.profile.times, found.taught) == (1, ())


def test_a_session_that_is_told_of_late_is_not_kept_in_valkey(olga: UUID, valkey: redis.Redis) -> None:
    found = known(olga, session_id=SESSION).session
    assert found is not None
    erase(olga)
    store.tell_session(tenant_id=olga, session_id=SESSION, found=found)
    assert known(olga, session_id=SESSION).session is None
    assert known(olga, session_id=SESSION).session is None, "nor where all else is in Valkey again"


def test_a_walk_that_has_read_a_person_does_not_write_them_again(olga: UUID) -> None:
    at = NOON + timedelta(days=40)
    recomputing.begin_run(rewrites=True, at=at)
    erase(olga, at=at)
    recomputing.work(clock=lambda: at, until=at + timedelta(seconds=5))
    assert ProfileRow.objects.using("sweep").count() == 0


def test_where_valkey_is_away_a_worker_clears_it_later(olga: UUID, valkey: redis.Redis, settings: Any) -> None:
    url, settings.REDIS_URL = settings.REDIS_URL, "unix:///nowhere/valkey.sock"
    asking.forget_connection()
    erase(olga)
    assert clearing.clear_erased() == 0
    settings.REDIS_URL = url
    asking.forget_connection()
    assert in_valkey(valkey)
    assert clearing.clear_erased() == 1
    assert (in_valkey(valkey), clearing.clear_erased()) == ([], 0)
    assert known(olga, session_id=SESSION).session is None


def test_that_somebody_was_erased_is_forgotten_once_nothing_can_be_on_its_way(olga: UUID) -> None:
    erase(olga)

    def expired(days: int) -> int:
        at = NOON + timedelta(days=days)
        return expiring.expire(clock=lambda: at, until=at + timedelta(seconds=1)).erasures

    assert (expired(7), Erasure.objects.using("sweep").count()) == (0, 1)
    assert (expired(9), Erasure.objects.using("sweep").count()) == (1, 0)


def test_an_erasure_that_is_rolled_back_erased_nobody(olga: UUID, valkey: redis.Redis) -> None:
    before, held = rows(), len(in_valkey(valkey))
    with suppress(RuntimeError), tenant_transaction(olga):
        erase(olga)
        raise RuntimeError
    assert (rows(), len(in_valkey(valkey))) == (before, held)
    assert Erasure.objects.using("sweep").count() == 0


def test_everything_that_is_kept_is_written_out_in_a_shape_that_stays(olga: UUID) -> None:
    said: list[str] = []
    count = risk.export_person(tenant_id=olga, subjects=[OLGA], name_session=str, write=said.append, at=NOON)
    told = json.loads("".join(said))
    assert list(told) == [
        *(
            "format",
            "version",
            "exported_at",
            "tenant",
            "subject",
            "profile",
            "failures",
            "devices",
            "sessions",
            "signals",
        )
    ]
    assert (told["format"], told["version"], told["subject"]) == ("tiergate-risk", 1, {"type": "user", "id": "olga"})
    row = ProfileRow.objects.using("sweep").get()
    assert set(told["profile"]["usual"]) == set(decode_stored(bytes(row.state)).profile.counts)
    assert told["profile"]["usual"]["network"].keys() == {HOME.network}
    assert told["devices"] == ["d-olga"]
    assert told["failures"]["of_late"] == pytest.approx(2.0)
    assert [(one["session"], one["band"]) for one in told["sessions"]] == [(str(SESSION), "critical")]
    assert len(told["signals"]) == count == rows() - 2
    first = told["signals"][0]
    assert (first["ip"], first["kind"], first["is_learned"], first["seen"]["asn"]) == (
        *("203.0.113.7", "sign_in", True),
        HOME.asn,
    )


def test_nothing_of_anybody_else_is_written_out(olga: UUID, globex: UUID) -> None:
    taught(olga, FAR, subject=PAUL)
    taught(globex, FAR)
    said: list[str] = []
    risk.export_person(tenant_id=olga, subjects=[PAUL], name_session=str, write=said.append, at=NOON)
    told = json.loads("".join(said))
    assert (len(told["signals"]), told["profile"], told["sessions"]) == (1, None, [])
    assert "olga" not in "".join(said)
