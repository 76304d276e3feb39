"""What was recorded is learned once, whoever folds, and whoever dies while folding."""

import os
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import redis
from django.db import connections
from msgspec.structs import replace

from riskengine import draining, folding, sights
from riskengine import valkey as asking
from riskengine.keys import stream_key
from riskengine.learning import MOST_A_DAY
from riskengine.models import ProfileRow, Signal
from riskengine.seen import Seen
from riskengine.sights import flush_sights
from riskengine.stored import MOST_A_DAY_FOR_ALL, Stored, decode_stored
from riskengine.subjects import storable_seen
from tests.attacks.parallel import at_once
from tests.conftest import PATIENCE
from tests.riskengine.conftest import FAR, HOME, NOON, OLGA, assessed, failed, known, learned, taught

pytestmark = pytest.mark.django_db


def fold(*, batch: int = 500) -> int:
    return folding.fold(clock=lambda: NOON, until=NOON + timedelta(seconds=1), batch=batch)


def profile(tenant_id: UUID, subject: tuple[str, str] = OLGA) -> Stored | None:
    row = (
        ProfileRow.objects.using("sweep")
        .filter(tenant_id=tenant_id, subject_type=subject[0], subject_id=subject[1])
        .first()
    )
    return None if row is None else decode_stored(bytes(row.state))


def unfolded() -> int:
    return Signal.objects.using("sweep").filter(folded_at=None).count()


def times(tenant_id: UUID, subject: tuple[str, str] = OLGA) -> int:
    found = profile(tenant_id, subject)
    return 0 if found is None else found.profile.times


def test_a_profile_is_what_its_signals_taught(acme: UUID) -> None:
    taught(acme, days=9)
    before = learned(known(acme))
    assert fold() == 9
    assert profile(acme) == before
    assert unfolded() == 0
    assert fold() == 0


def test_folding_changes_nothing_that_is_known(acme: UUID, valkey: redis.Redis) -> None:
    taught(acme, days=9)
    failed(acme, times=2)
    before = assessed(acme)
    fold()
    assert assessed(acme) == before
    valkey.flushdb()
    assert assessed(acme) == before


def test_what_waits_beside_a_profile_in_valkey_is_taken_out_as_it_is_folded(acme: UUID) -> None:
    taught(acme, days=3)
    known(acme)
    taught(acme, days=2, at=NOON + timedelta(days=2))
    assert len(known(acme).taught) == 5
    fold(batch=4)
    assert known(acme).taught == ()
    assert learned(known(acme)) == profile(acme)


def test_what_somebody_folded_who_died_before_telling_is_not_counted_twice(acme: UUID) -> None:
    taught(acme, days=3)
    known(acme)
    folding._fold_batch(500, is_told=True, at=NOON)
    taught(acme, days=1, at=NOON + timedelta(days=1))
    assert times(acme) == 3
    assert (known(acme).stored, len(known(acme).taught)) == (None, 4), "Valkey was told nothing, and knows the same"
    fold()
    assert known(acme).taught == ()
    assert learned(known(acme)) == profile(acme)
    assert times(acme) == 4


def test_many_who_record_at_once_add_up_exactly(acme: UUID) -> None:
    known(acme)

    def record(number: int) -> None:
        for day in range(5):
            taught(acme, days=1, at=NOON - timedelta(days=day, seconds=number), trust=MOST_A_DAY / 8)

    assert at_once(record) == [None] * 8
    beside = known(acme)
    assert len(beside.taught) == 40
    assert [one for one in at_once(lambda _: fold(batch=7), 4) if not isinstance(one, int)] == []
    while fold():
        pass
    found = profile(acme)
    assert found is not None
    assert found.profile.times == 40
    expected = learned(beside)
    assert expected is not None
    assert found.profile.total * 2 ** ((found.profile.epoch - NOON) / timedelta(days=90)) == pytest.approx(
        expected.profile.total * 2 ** ((expected.profile.epoch - NOON) / timedelta(days=90))
    )


def test_a_thousand_repeats_in_a_day_teach_no_more_than_the_cap(acme: UUID) -> None:
    signal = {"tenant_id": acme, "subject_type": OLGA[0], "subject_id": OLGA[1], "kind": "sign_in", "trust": 0.5}
    rows = (Signal(**signal, at=NOON + timedelta(seconds=one), seen=storable_seen(FAR)) for one in range(1_000))
    Signal.objects.using("sweep").bulk_create(rows)
    while fold():
        pass
    found = profile(acme)
    assert found is not None
    faded = 2.0 ** ((found.profile.epoch - NOON) / timedelta(days=90))
    assert found.profile.total * faded == pytest.approx(MOST_A_DAY, rel=1e-3)
    assert all(
        weight * faded <= MOST_A_DAY * 1.001 for values in found.profile.counts.values() for weight in values.values()
    )


def test_ever_new_looks_teach_no_more_than_the_cap_of_all(acme: UUID) -> None:
    for number in range(100):
        seen = Seen(network="198.51.100.0/24", asn="AS64999", family=f"Browser {number}", device=f"d{number}")
        taught(acme, seen, days=1, at=NOON + timedelta(seconds=number))
    fold()
    found = profile(acme)
    assert found is not None
    assert max(found.profile.counts["network"].values()) <= MOST_A_DAY_FOR_ALL * 1.001


def test_the_next_day_may_teach_again(acme: UUID) -> None:
    for day in range(3):
        for _ in range(10):
            taught(acme, days=1, at=NOON + timedelta(days=day))
    fold()
    assert times(acme) == 3 * MOST_A_DAY


def test_a_tenants_signals_move_no_other_tenants_profile(acme: UUID, globex: UUID) -> None:
    taught(globex, days=3)
    fold()
    before = profile(globex)
    taught(acme, FAR, days=30)
    fold()
    assert profile(globex) == before
    assert times(acme) == 30


def test_what_failed_waits_until_valkey_can_be_told_and_what_teaches_does_not(acme: UUID, settings: Any) -> None:
    failed(acme, times=3)
    taught(acme, days=2)
    url, settings.REDIS_URL = settings.REDIS_URL, "unix:///nowhere/valkey.sock"
    asking.forget_connection()
    assert fold() == 2
    assert unfolded() == 3
    settings.REDIS_URL = url
    asking.forget_connection()
    assert fold() == 3


def test_a_failure_that_valkey_was_not_told_of_is_counted_once_it_is_folded(acme: UUID, settings: Any) -> None:
    assert known(acme).failures().person == 0
    url, settings.REDIS_URL = settings.REDIS_URL, "unix:///nowhere/valkey.sock"
    asking.forget_connection()
    failed(acme, times=4)
    settings.REDIS_URL = url
    asking.forget_connection()
    assert known(acme).failures().person == 0, "this is what folding is for"
    fold()
    assert known(acme).failures().person == 4
    assert known(acme).failures().network == 4


def test_how_a_session_looks_is_stored_once_a_day_however_many_processes_see_it(acme: UUID) -> None:
    taught(acme, days=20)
    session = uuid4()
    for _ in range(3):
        for hour in (9, 10):
            assessed(acme, Seen(**{**_members(HOME), "hour": hour}), session_id=session)
        assert flush_sights(seconds=PATIENCE)
        sights.stop_sights()
    assessed(acme, session_id=session, at=NOON + timedelta(days=1))
    assert flush_sights(seconds=PATIENCE)
    assert draining.drain_sights(at=NOON) == 4
    found = Signal.objects.using("sweep").filter(kind="seen").order_by("at")
    assert [(one.trust, one.band, one.session_id) for one in found] == [(0.25, "low", session)] * 2
    assert draining.drain_sights(at=NOON) == 0


def _members(seen: Seen) -> dict[str, Any]:
    return {name: getattr(seen, name) for name in Seen.__struct_fields__}


def test_what_looks_risky_or_is_not_known_teaches_nothing_by_being_seen(acme: UUID) -> None:
    assessed(acme, subject=("user", "new"))
    taught(acme, days=20)
    assessed(acme, FAR)
    assert flush_sights(seconds=PATIENCE)
    draining.drain_sights(at=NOON)
    assert Counter(Signal.objects.using("sweep").filter(kind="seen").values_list("trust", flat=True)) == {0.0: 2}


def test_sights_that_somebody_else_wrote_into_valkey_are_not_stored(acme: UUID, valkey: redis.Redis) -> None:
    taught(acme, days=20)
    assessed(acme)
    assert flush_sights(seconds=PATIENCE)
    told: Any = valkey.xrange(stream_key())
    ((_, message),) = told
    # Another signal than the first, by its id too: one of the same id is stored once, whatever it says.
    forged = [replace(one, id=uuid4(), subject=("user", "paul")) for one in sights.decode_batch(message[b"r"])]
    valkey.xadd(stream_key(), {b"r": sights.encode_batch(forged), b"v": message[b"v"]})
    valkey.xadd(stream_key(), {b"r": b"\xff", b"v": b"x"})
    draining.drain_sights(at=NOON)
    assert list(Signal.objects.using("sweep").filter(kind="seen").values_list("subject_id", flat=True)) == ["olga"]


def test_without_valkey_a_decision_waits_for_nothing_and_less_is_learned(acme: UUID, no_valkey: None) -> None:
    taught(acme, days=20)
    assert assessed(acme).band == "low"
    flush_sights(seconds=PATIENCE)
    assert Signal.objects.using("sweep").filter(kind="seen").count() == 0


@pytest.mark.storm
def test_workers_that_are_killed_while_they_fold_lose_nothing_and_count_nothing_twice(
    acme: UUID, superuser: psycopg.Connection
) -> None:
    people = [("user", f"person-{number}") for number in range(40)]
    for subject in people:
        known(acme, subject=subject)
        taught(acme, days=5, subject=subject)
    connections.close_all()
    done = subprocess.run(
        [sys.executable, "-m", "tests.riskengine.folding_child", "24"],
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    ended = Counter(line.split()[1] for line in done.stdout.splitlines())
    assert ended["killed"] > 10, done.stdout + done.stderr
    while fold(batch=50):
        pass
    assert unfolded() == 0
    assert {times(acme, subject) for subject in people} == {5}
    for subject in people:
        found = known(acme, subject=subject)
        assert learned(found) == profile(acme, subject)
