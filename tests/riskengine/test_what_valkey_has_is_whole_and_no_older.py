"""What Valkey has of a person is what the database has: whatever it lost is read again, and nobody puts there what is older."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import redis
from msgspec.structs import replace

from licensing import push
from riskengine import folding, keys, store
from riskengine.known import MOST_WAITING, Known, read_known
from riskengine.learning import MOST_A_DAY
from riskengine.models import ProfileRow, Signal
from riskengine.stored import DAYS, Taught, teach
from tests.riskengine.conftest import FAR, HOME, NOON, OLGA, assessed, failed, known, learned, taught

pytestmark = pytest.mark.django_db


def fold(*, batch: int = 500) -> int:
    return folding.fold(clock=lambda: NOON, until=NOON + timedelta(seconds=1), batch=batch)


class Reader:
    """Somebody who found nothing in Valkey, has read the database, and is about to put that there."""

    def __init__(self, tenant_id: UUID, session_id: UUID | None = None) -> None:
        self._keys = keys.reading_keys(tenant_id, OLGA, HOME.network, session_id)
        self._has_session = session_id is not None
        with pytest.raises(store._Missing) as missing:
            store._from_valkey(self._keys, has_network=True, has_session=self._has_session, at=NOON)
        self._began = missing.value.began
        self.found: Known = read_known(
            tenant_id=tenant_id, subject=OLGA, network=HOME.network, session_id=session_id, at=NOON
        )

    def put(self) -> None:
        store._put(self._keys, self.found, self._began, has_network=True, has_session=self._has_session, at=NOON)


def test_what_was_taught_between_reading_and_putting_is_not_lost(acme: UUID) -> None:
    reader = Reader(acme)
    taught(acme)
    reader.put()
    assert len(known(acme).taught) == 1


def test_whoever_hears_that_something_happened_finds_it_there(acme: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was told first would remember an answer without it."""
    known(acme)
    found: list[float] = []

    def hear(kind: str, key: str) -> None:
        if kind == "risk" and not found:
            found.append(known(acme).failures().person)

    monkeypatch.setattr(push, "_handlers", [hear])
    failed(acme)
    assert found[:1] == pytest.approx([1.0])


def test_a_slow_reader_puts_nothing_in_the_place_of_what_is_there(acme: UUID) -> None:
    taught(acme)
    reader = Reader(acme)
    known(acme)
    taught(acme, FAR, at=NOON + timedelta(days=1))
    failed(acme, times=2)
    reader.put()
    found = known(acme)
    assert len(found.taught) == 2
    assert found.failures().person == pytest.approx(2.0)


def test_what_was_folded_between_reading_and_putting_waits_no_more(acme: UUID) -> None:
    taught(acme, days=2)
    reader = Reader(acme)
    fold()
    reader.put()
    assert known(acme).taught == ()


def test_who_was_forgotten_between_reading_and_putting_is_not_put_back(acme: UUID) -> None:
    taught(acme, days=2)
    fold()
    reader = Reader(acme)
    for rows in (Signal, ProfileRow):
        rows.objects.using("sweep").filter(tenant_id=acme).delete()
    store.let_go(keys.person_keys(acme, OLGA), [])
    reader.put()
    assert known(acme).stored is None


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_session_that_was_raised_between_reading_and_putting_is_not_put_back(
    acme: UUID, valkey: redis.Redis, *, is_lost: bool
) -> None:
    """Not even where Valkey lost it again meanwhile, as one that is full does."""
    taught(acme, days=10)
    session = uuid4()
    reader = Reader(acme, session)
    assert reader.found.session is None
    assessed(acme, FAR, session_id=session)
    if is_lost:
        assert valkey.delete(keys.session_key(acme, session)) == 1
    reader.put()
    found = known(acme, session_id=session).session
    assert found is not None
    assert found.version == 1


def test_of_a_session_the_newest_is_kept_in_whatever_order_it_is_told(acme: UUID) -> None:
    taught(acme, days=10)
    session = uuid4()
    assessed(acme, FAR, session_id=session)
    older = known(acme, session_id=session).session
    assert older is not None
    newer = replace(older, band="unknown", version=older.version + 1)
    for told in (newer, older):
        store.tell_session(tenant_id=acme, session_id=session, found=told)
    assert known(acme, session_id=session).session == newer


@pytest.mark.parametrize("lost", range(5), ids=["profile", "taught", "failures", "network", "session"])
def test_what_valkey_lost_of_a_person_is_read_again(acme: UUID, valkey: redis.Redis, lost: int) -> None:
    session = uuid4()

    def all_of_it() -> tuple[object, ...]:
        found = known(acme, network=FAR.network, session_id=session)
        failures = found.failures()
        numbers = (round(failures.person, 6), round(failures.network, 6), failures.people_on_network)
        return learned(found), *numbers, found.session

    taught(acme, days=20)
    fold()
    failed(acme, FAR, times=5)
    assert assessed(acme, FAR, session_id=session).raised_at == NOON
    before = all_of_it()
    assert before[1:4] == (5.0, 5.0, 1)
    assert valkey.delete(keys.reading_keys(acme, OLGA, FAR.network, session)[lost]) == int(lost != 1)
    assert all_of_it() == before


def test_what_waited_beside_a_profile_that_valkey_lost_counts_once(acme: UUID, valkey: redis.Redis) -> None:
    known(acme)
    taught(acme, days=2)
    assert len(known(acme).taught) == 2
    valkey.delete(keys.person_keys(acme, OLGA)[0])
    fold()
    found = known(acme)
    assert known(acme).taught == found.taught == ()
    assert found.stored is not None
    assert found.stored.profile.times == 2


def test_what_is_not_folded_yet_goes_on_waiting(acme: UUID) -> None:
    known(acme)
    taught(acme, days=3)
    _, changed, _ = folding._fold_batch(1, is_told=True, at=NOON)
    folding._publish(changed)
    assert len(known(acme).taught) == 2
    before = learned(known(acme))
    fold()
    assert learned(known(acme)) == before


def test_so_many_wait_and_no_more(acme: UUID) -> None:
    known(acme)
    taught(acme, days=MOST_WAITING + 6)
    assert len(known(acme).taught) == MOST_WAITING


def test_what_comes_late_for_a_day_that_is_forgotten_counts_for_the_oldest_that_is_not() -> None:
    stored = None
    for day in range(DAYS):
        for _ in range(4):
            one = Taught(id=uuid4(), at=NOON + timedelta(days=day), trust=1.0, seen=HOME)
            stored = teach(stored, one)
    assert stored is not None
    for number in range(50):
        late = Taught(id=uuid4(), at=NOON - timedelta(days=1 + number), trust=1.0, seen=HOME)
        assert teach(stored, late) == stored
    new = replace(HOME, family="Safari")
    for number in range(50):
        stored = teach(stored, Taught(id=uuid4(), at=NOON - timedelta(days=1 + number), trust=1.0, seen=new))
    assert stored.profile.times == DAYS * MOST_A_DAY + 2
