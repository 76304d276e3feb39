"""Who would be taken for somebody cannot hurry it, cannot drown what is usual for them, and teaches nobody but themselves."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from msgspec.structs import replace

from riskengine import draining, folding, recomputing, sights
from riskengine import keys as names
from riskengine.counting import Tally
from riskengine.keys import stream_key
from riskengine.learning import MOST_A_DAY
from riskengine.models import Part, ProfileRow, Run, Signal
from riskengine.profile import MOST_VALUES
from riskengine.sights import flush_sights
from riskengine.stored import MOST_A_DAY_FOR_ALL, decode_stored
from riskengine.subjects import MOST_CHARACTERS, storable
from tests.attacks.parallel import at_once
from tests.riskengine.conftest import FAR, HOME, NOON, OLGA, acme, assessed, failed, globex, known, learned, taught

__all__ = ["acme", "globex"]

pytestmark = pytest.mark.django_db

MINUTES = timedelta(minutes=10)


def fold(*, at: Any = NOON, batch: int = 500) -> int:
    return folding.fold(clock=lambda: at, until=at + timedelta(seconds=1), batch=batch)


def walk(*, at: Any = NOON, page: int = 1_000) -> int:
    return recomputing.work(clock=lambda: at, until=at + timedelta(seconds=1), page=page)


def times(tenant_id: UUID, name: str) -> int:
    row = ProfileRow.objects.using("sweep").get(tenant_id=tenant_id, subject_id=name)
    return decode_stored(bytes(row.state)).profile.times


def weight(tenant_id: UUID, feature: str, value: str | None) -> float:
    """Say what a value of Olga's weighs now, folded or not."""
    found = learned(known(tenant_id))
    assert found is not None
    faded = 2.0 ** ((found.profile.epoch - NOON) / timedelta(days=90))
    return float(found.profile.counts.get(feature, {}).get(value or "", 0.0) * faded)


@pytest.mark.parametrize("trust", [0.25, 0.5])
def test_a_day_of_repeats_weighs_no_more_than_two_passkeys(acme: UUID, trust: float) -> None:
    taught(acme, days=20)
    for number in range(100):
        taught(acme, FAR, trust=trust, at=NOON + timedelta(days=1) - timedelta(seconds=number))
    assert weight(acme, "device", FAR.device) <= MOST_A_DAY
    while fold():
        pass
    assert weight(acme, "device", FAR.device) == pytest.approx(MOST_A_DAY, rel=0.01)


def test_many_new_looks_push_nothing_out_that_is_usual(acme: UUID) -> None:
    taught(acme, days=20)
    before = weight(acme, "network", HOME.network)
    for number in range(2 * MOST_VALUES):
        seen = replace(FAR, network=f"198.51.{number}.0/24", device=f"d{number}", family=f"Browser {number}")
        taught(acme, seen, at=NOON + timedelta(days=1) - timedelta(seconds=number))
    while fold():
        pass
    assert weight(acme, "network", HOME.network) == pytest.approx(before)
    new = [weight(acme, "network", f"198.51.{number}.0/24") for number in range(2 * MOST_VALUES)]
    assert sum(new) <= MOST_A_DAY_FOR_ALL
    assert assessed(acme).band == "low"


def test_two_clocks_beside_midnight_teach_two_days_and_no_more(acme: UUID) -> None:
    midnight = NOON.replace(hour=0)
    for number in range(20):
        for away in (-MINUTES, MINUTES):
            taught(acme, at=midnight + away + timedelta(days=1, seconds=number))
    assert weight(acme, "device", HOME.device) <= 2 * MOST_A_DAY
    fold()
    assert weight(acme, "device", HOME.device) == pytest.approx(2 * MOST_A_DAY, rel=0.01)


@pytest.mark.parametrize("away", [-MINUTES, MINUTES])
def test_a_clock_set_back_or_forward_loses_no_failure(acme: UUID, away: timedelta, valkey: redis.Redis) -> None:
    known(acme)
    failed(acme, times=3, at=NOON)
    failed(acme, times=3, at=NOON + away)
    by_valkey = known(acme).failures()
    valkey.flushdb()
    by_database = known(acme).failures()
    assert by_valkey.person == pytest.approx(by_database.person, rel=0.4)
    assert min(by_valkey.person, by_database.person) >= 3 + 3 * 2 ** (-10 / 15) - 1e-9
    assert by_valkey.people_on_network == by_database.people_on_network == 1


def test_workers_whose_clocks_differ_end_a_walk_and_count_nothing_twice(
    acme: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recomputing, "PART", 10)
    for number in range(30):
        taught(acme, subject=("user", f"person-{number}"))
    fold()
    recomputing.begin_run(rewrites=True, at=NOON)
    clocks = (NOON, NOON - MINUTES, NOON + MINUTES, NOON)
    assert [one for one in at_once(lambda number: walk(at=clocks[number], page=2), 4) if not isinstance(one, int)] == []
    for turn in range(1, 100):
        found = recomputing.progress()
        if found is not None and found.ended_at is not None:
            break
        walk(at=NOON + turn * MINUTES)
    found = recomputing.progress()
    assert found is not None
    assert (found.done, found.total, found.ended_at is not None) == (30, 30, True)


@pytest.mark.parametrize("away", [-MINUTES, MINUTES])
def test_who_takes_a_part_from_another_by_a_clock_that_is_off_stores_it_alone(acme: UUID, away: timedelta) -> None:
    for number in range(6):
        taught(acme, subject=("user", f"person-{number}"))
    fold()
    recomputing.begin_run(at=NOON)
    run = Run.objects.using("sweep").get()
    one = recomputing._take(run, at=NOON)
    other = recomputing._take(run, at=NOON + away)
    assert one is not None
    assert other is not None
    assert one.id == other.id
    with pytest.raises(recomputing._Lost):
        recomputing._do_page(run, one, Tally(), page=2, clock=lambda: NOON)
    recomputing._do_page(run, other, Tally(), page=100, clock=lambda: NOON + away)
    assert Part.objects.using("sweep").get().done == 6


def test_folding_and_walking_at_once_lose_nothing_and_count_nothing_twice(acme: UUID) -> None:
    people = [("user", f"person-{number}") for number in range(12)]
    for subject in people:
        taught(acme, days=2, subject=subject)
    fold()
    for subject in people:
        taught(acme, days=2, subject=subject, at=NOON + timedelta(days=2))
    recomputing.begin_run(rewrites=True, at=NOON)
    done = at_once(lambda number: fold(batch=3) if number % 2 else walk(page=2), 4)
    assert [one for one in done if not isinstance(one, int)] == []
    while fold():
        pass
    assert {times(acme, name) for _, name in people} == {4}
    assert {len(known(acme, subject=subject).taught) for subject in people} == {0}


def test_what_was_sent_is_learned_once_however_often_it_is_sent_again(acme: UUID, valkey: redis.Redis) -> None:
    taught(acme, days=20)
    assessed(acme)
    assert flush_sights(seconds=5)
    told: Any = valkey.xrange(stream_key())
    messages = [message for _, message in told]
    for _ in range(3):
        for message in messages:
            valkey.xadd(stream_key(), message)
        draining.drain_sights(at=NOON)
        fold()
    assert Signal.objects.using("sweep").filter(kind="seen").count() == 1
    assert times(acme, "olga") == 21


def test_what_was_sent_for_one_is_not_taken_for_another(acme: UUID, globex: UUID, valkey: redis.Redis) -> None:
    taught(acme, days=20)
    assessed(acme)
    assert flush_sights(seconds=5)
    told: Any = valkey.xrange(stream_key())
    ((_, message),) = told
    for forged in ({"tenant_id": globex}, {"subject": ("user", "paul")}, {"trust": 1.0}):
        ours = [replace(one, id=uuid4(), **forged) for one in sights.decode_batch(message[b"r"])]
        valkey.xadd(stream_key(), {b"r": sights.encode_batch(ours), b"v": message[b"v"]})
    draining.drain_sights(at=NOON)
    assert list(Signal.objects.using("sweep").filter(kind="seen").values_list("tenant_id", "trust")) == [(acme, 0.25)]


def test_what_was_taught_and_is_copied_within_valkey_counts_once(acme: UUID, valkey: redis.Redis) -> None:
    taught(acme, days=2)
    known(acme)
    taught(acme, FAR, at=NOON + timedelta(days=1))
    before = learned(known(acme))
    (key,) = valkey.keys(f"*{names.who(OLGA)}:taught")
    fields: Any = valkey.hgetall(key)
    for content in fields.values():
        valkey.hset(key, uuid4().bytes, content)
    assert learned(known(acme)) == before


def test_what_was_taught_to_one_and_is_put_beside_another_is_not_believed(acme: UUID, valkey: redis.Redis) -> None:
    paul = ("user", "paul")
    taught(acme, days=20)
    before = assessed(acme, FAR, session_id=None)
    assert before.band != "low"
    known(acme, subject=paul)
    taught(acme, FAR, days=20, subject=paul)
    known(acme, subject=paul)
    of_olga, of_paul = (names.person_keys(acme, one)[1] for one in (OLGA, paul))
    copied: Any = valkey.hgetall(of_paul)
    assert len(copied) == 20
    valkey.delete(of_olga)
    valkey.hset(of_olga, mapping=copied)
    assert assessed(acme, FAR, session_id=None) == before


def test_an_older_profile_published_late_takes_the_place_of_no_newer_one(acme: UUID) -> None:
    taught(acme, days=3)
    known(acme)
    _, older, _ = folding._fold_batch(500, is_told=True, at=NOON)
    taught(acme, days=3, at=NOON + timedelta(days=3))
    fold()
    newer = known(acme).stored
    folding._publish(older)
    assert known(acme).stored == newer


LONG = "o" * (MOST_CHARACTERS + 1)


@pytest.mark.parametrize(
    "other",
    [
        ("user", "Olga"),
        ("user", "olga "),
        ("account", "olga"),
        ("user", "olga\x00"),
        ("user", "olga\ufffd"),
        ("user\x00olga", ""),
    ],
)
def test_a_name_like_anothers_teaches_not_the_other(acme: UUID, other: tuple[str, str]) -> None:
    taught(acme, days=3, subject=other)
    assert known(acme).taught == ()
    fold()
    assert known(acme).stored is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("user", f"{LONG}1"), ("user", f"{LONG}2")),
        (("user", "olga\x00"), ("user", "olga\ufffd")),
        (("user", "\ud800"), ("user", "?")),
        (("user", "\ud800"), ("user", "\ud801")),
        (("u" * 33, "olga"), ("u" * 34, "olga")),
        (("a\x00b", "c"), ("a\ufffdb", "c")),
    ],
)
def test_two_who_cannot_be_stored_as_they_are_stay_two(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert storable(one) != storable(other)
    for subject in (one, other):
        kept = storable(subject)
        assert storable(kept) == kept
        assert len(kept[0]) <= 32
        assert len(kept[1].encode()) <= 1_280


def test_a_look_that_only_failed_teaches_nothing(acme: UUID) -> None:
    taught(acme, days=20)
    failed(acme, FAR, times=10, trust=1.0)
    fold()
    assert weight(acme, "device", FAR.device) == 0.0
