"""What a request hands over is stored: once, whatever becomes of the server in between."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis

import audit.api
from audit import stream
from audit.api import Drained, Kind
from audit.records import Record, encode_record, joined, message_of, stream_key
from audit.storing import store_as_tenants
from audit.stream import MAX_WAITING, Sender
from config.embedded.processes import wait_until
from isolation.api import SecretUnreadable, tenant_transaction
from tests.conftest import PATIENCE
from tests.isolation.conftest import NOON

pytestmark = pytest.mark.django_db

type Tenants = tuple[UUID, UUID]

# Of four bytes each, and so far apart that nothing is gained by compressing them.
_LONGEST_NAME = "".join(chr(0x20000 + number * 40_503 % 0xB0000) for number in range(1_000))


@pytest.fixture
def sender() -> Iterator[Sender]:
    made = Sender(store_as_tenants)
    yield made
    made.stop()


def record(
    tenant_id: UUID, *, entry_id: UUID | None = None, payload: bytes = b'{"a": 1}', kind: str = "decision"
) -> bytes:
    return encode_record(
        Record(tenant_id.bytes, (entry_id or uuid4()).bytes, kind, NOON, "service", "import", b"", payload)
    )


def stored(tenant_id: UUID) -> set[UUID]:
    with tenant_transaction(tenant_id):
        entries = audit.api.list_entries(tenant_id=tenant_id, subject=("service", "import"), limit=500)
        return {entry.id for entry in entries}


def test_what_was_handed_over_is_stored_as_it_was(tenants: Tenants) -> None:
    entry_id, session_id = uuid4(), uuid4()
    taken = audit.api.append_later(
        tenant_id=tenants[0],
        entry_id=entry_id,
        kind=Kind.DECISION,
        at=NOON + timedelta(microseconds=1),
        payload=b'{"outcome": "allow", "odd": "\\u0000"}',
        subject=("service", "import\x00"),
        session_id=session_id,
    )
    assert taken
    assert audit.api.flush_stream()
    assert audit.api.drain().stored == 1
    with tenant_transaction(tenants[0]):
        entry = audit.api.get_entry(tenant_id=tenants[0], entry_id=entry_id, kind=Kind.DECISION)
    assert (entry.at, entry.session_id) == (NOON + timedelta(microseconds=1), session_id)
    assert entry.subject == ("service", "import\ufffd")
    assert entry.payload == {"outcome": "allow", "odd": "\ufffd"}


def test_entries_of_several_tenants_each_go_to_their_own(tenants: Tenants, sender: Sender) -> None:
    ids = {tenant: {uuid4() for _ in range(20)} for tenant in tenants}
    for tenant, wanted in ids.items():
        for entry_id in wanted:
            assert sender.take(record(tenant, entry_id=entry_id))
    assert sender.flush(seconds=PATIENCE)
    audit.api.drain()
    assert {tenant: stored(tenant) for tenant in tenants} == ids


def test_what_arrives_twice_is_stored_once(tenants: Tenants, valkey: redis.Redis) -> None:
    entry_id = uuid4()
    batch = joined([record(tenants[0], entry_id=entry_id)] * 2)
    for _ in range(2):
        valkey.xadd(stream_key(), message_of(batch))
    assert audit.api.drain() == Drained(stored=1, refused=0)
    valkey.xadd(stream_key(), message_of(batch))
    assert audit.api.drain() == Drained(stored=0, refused=0)
    assert stored(tenants[0]) == {entry_id}
    assert valkey.xlen(stream_key()) == 0


def test_what_a_wiped_server_has_forgotten_is_sent_again(tenants: Tenants, valkey: redis.Redis, sender: Sender) -> None:
    first, second = uuid4(), uuid4()
    sender.take(record(tenants[0], entry_id=first))
    assert sender.flush(seconds=PATIENCE)
    valkey.flushdb()
    sender.take(record(tenants[0], entry_id=second))
    assert sender.flush(seconds=PATIENCE)
    audit.api.drain()
    assert stored(tenants[0]) == {first, second}


@pytest.mark.parametrize("step", ["joined", "stream_order"])
def test_what_is_on_its_way_is_not_taken_for_sent(
    tenants: Tenants, sender: Sender, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Whoever waits until all is sent may look at any moment, as while a batch is made or its sending is noted."""
    does, is_sent = getattr(stream, step), list[bool]()

    def looked_at(what: Any) -> Any:
        is_sent.append(sender.flush(seconds=0))
        return does(what)

    monkeypatch.setattr(stream, step, looked_at)
    sender.take(record(tenants[0]))
    assert sender.flush(seconds=PATIENCE)
    assert is_sent == [False]


def test_what_is_stored_is_held_no_longer(tenants: Tenants, sender: Sender) -> None:
    sender.take(record(tenants[0]))
    assert sender.flush(seconds=PATIENCE)
    assert sender.state().held > 0
    audit.api.drain()
    assert wait_until(lambda: not sender.state().held, seconds=PATIENCE)


def test_without_valkey_entries_go_straight_to_the_database_and_no_more_are_taken(
    tenants: Tenants, settings: Any
) -> None:
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"
    sender, entry_id = Sender(store_as_tenants), uuid4()
    assert sender.take(record(tenants[0], entry_id=entry_id))
    assert sender.flush(seconds=PATIENCE)
    assert not sender.take(record(tenants[0]))
    sender.stop()
    assert stored(tenants[0]) == {entry_id}


def test_with_nobody_to_store_them_entries_are_held_until_somebody_does(tenants: Tenants, settings: Any) -> None:
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"
    tried, may_store = threading.Event(), threading.Event()

    def store(records: list[Record]) -> int:
        tried.set()
        if not may_store.is_set():
            raise OSError("nobody there")
        return store_as_tenants(records)

    sender, entry_id = Sender(store), uuid4()
    sender.take(record(tenants[0], entry_id=entry_id))
    assert tried.wait(PATIENCE)
    assert not stored(tenants[0])
    may_store.set()
    assert sender.flush(seconds=PATIENCE)
    sender.stop()
    assert stored(tenants[0]) == {entry_id}


def test_more_than_can_wait_is_not_taken(tenants: Tenants, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nothing is sent before it is stopped.
    monkeypatch.setattr(stream, "FLUSH_SECONDS", PATIENCE)
    sender = Sender(store_as_tenants)
    large = record(tenants[0], payload=b'"' + b"x" * (MAX_WAITING // 4) + b'"')
    try:
        assert [sender.take(large) for _ in range(6)] == [True] * 3 + [False] * 3
    finally:
        sender._stopped.set()
        sender.stop()


def test_an_entry_that_no_database_takes_holds_up_no_other(tenants: Tenants, valkey: redis.Redis) -> None:
    good = uuid4()
    bad = [record(tenants[0], payload=b"no json"), record(tenants[0], kind=""), b"\xc1"]
    valkey.xadd(stream_key(), message_of(joined([bad[0], record(tenants[0], entry_id=good), *bad[1:]])))
    drained = audit.api.drain()
    assert (drained.stored, drained.refused) == (1, 3)
    assert stored(tenants[0]) == {good}
    assert valkey.xlen(stream_key()) == 0


def test_what_cannot_even_be_read_as_a_row_holds_up_no_other(tenants: Tenants, valkey: redis.Redis) -> None:
    good = uuid4()
    bad = [
        record(tenants[0], payload=b'"\xff"'),
        record(tenants[0], kind="a\x00b"),
        encode_record(Record(tenants[0].bytes, b"short", "decision", NOON, "", "", b"", b"{}")),
        encode_record(Record(tenants[0].bytes, uuid4().bytes, "decision", NOON, "", "", b"short", b"{}")),
    ]
    valkey.xadd(stream_key(), message_of(joined([*bad, record(tenants[0], entry_id=good)])))
    drained = audit.api.drain()
    assert (drained.stored, drained.refused) == (1, 4)
    assert stored(tenants[0]) == {good}
    assert valkey.xlen(stream_key()) == 0


def test_what_is_deeper_than_postgresql_reads_holds_up_no_other(tenants: Tenants, valkey: redis.Redis) -> None:
    good = uuid4()
    deep = record(tenants[0], payload=b"[" * 100_000 + b"]" * 100_000)
    valkey.xadd(stream_key(), message_of(joined([deep, record(tenants[0], entry_id=good)])))
    assert audit.api.drain() == Drained(stored=1, refused=1)
    assert stored(tenants[0]) == {good}


@pytest.mark.parametrize("kind", ["service", _LONGEST_NAME])
def test_whoever_has_the_longest_of_names_holds_up_no_other(tenants: Tenants, valkey: redis.Redis, kind: str) -> None:
    """No index row takes so much, and callers choose what a subject is called."""
    good = uuid4()
    odd = Record(tenants[0].bytes, uuid4().bytes, "decision", NOON, kind, _LONGEST_NAME, b"", b"{}")
    valkey.xadd(stream_key(), message_of(joined([encode_record(odd), record(tenants[1], entry_id=good)])))
    assert audit.api.drain() == Drained(stored=2, refused=0)
    assert stored(tenants[1]) == {good}
    with tenant_transaction(tenants[0]):
        assert len(audit.api.list_entries(tenant_id=tenants[0], subject=(kind, _LONGEST_NAME), limit=2)) == 1


def test_what_is_new_is_stored_beside_what_is_there(tenants: Tenants, valkey: redis.Redis, superuser: Any) -> None:
    old, new = [uuid4() for _ in range(3)], [uuid4() for _ in range(4)]
    for ids in (old, [new[0], *old, new[1], new[1], *new[2:]]):
        valkey.xadd(stream_key(), message_of(joined([record(tenants[0], entry_id=one) for one in ids])))
        assert audit.api.drain().refused == 0
    assert stored(tenants[0]) == {*old, *new}
    transactions = "SELECT count(*), count(DISTINCT xid) FROM audit_entry WHERE id = ANY(%s)"
    assert superuser.execute(transactions, [[*old, *new]]).fetchone() == (7, 2)


def test_whoever_else_writes_to_valkey_writes_nothing_into_the_trail(tenants: Tenants, valkey: redis.Redis) -> None:
    good, theirs = uuid4(), uuid4()
    ours = message_of(joined([record(tenants[0], entry_id=good)]))
    forged = joined([record(tenants[0], entry_id=theirs, kind="session.revoked")])
    odd = joined([encode_record(Record(b"no tenant", theirs.bytes, "decision", NOON, "", "", b"", b"{}"))])
    messages: tuple[dict[Any, Any], ...] = (
        {b"r": forged},
        {b"r": forged, b"v": ours[b"v"]},
        {b"r": ours[b"r"] + forged, b"v": ours[b"v"]},
        {b"r": forged, b"v": b""},
        {b"r": forged, b"v": b"\xff"},
        {b"r": odd},
        {b"x": b"x"},
        ours,
    )
    for message in messages:
        valkey.xadd(stream_key(), message)
    drained = audit.api.drain()
    assert (drained.stored, drained.refused) == (1, 7)
    assert stored(tenants[0]) == {good}
    assert valkey.xlen(stream_key()) == 0


def test_what_an_unknown_key_vouches_for_waits_for_it(tenants: Tenants, valkey: redis.Redis, settings: Any) -> None:
    first, second, third = uuid4(), uuid4(), uuid4()
    old = settings.KEY_RING
    valkey.xadd(stream_key(), message_of(joined([record(tenants[0], entry_id=first)])))
    settings.KEY_RING = {"newer": b"n" * 32, **old}
    valkey.xadd(stream_key(), message_of(joined([record(tenants[0], entry_id=second)])))
    settings.KEY_RING = old
    valkey.xadd(stream_key(), message_of(joined([record(tenants[0], entry_id=third)])))
    with pytest.raises(SecretUnreadable):
        audit.api.drain()
    assert stored(tenants[0]) == {first}
    settings.KEY_RING = {**old, "newer": b"n" * 32}
    assert audit.api.drain().stored == 2
    assert stored(tenants[0]) == {first, second, third}
