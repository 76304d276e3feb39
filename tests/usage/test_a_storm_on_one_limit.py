"""A hundred are a hundred, whoever comes at the same time."""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
import redis
from django.db import connections

from licensing import api
from tests.usage.conftest import NOON

CONNECTIONS = 32
TRIES = 8


def storm(act: Callable[[int, int], str]) -> Counter[str]:
    """Act from 32 threads, each with a connection of its own, at the same moment."""
    outcomes: Counter[str] = Counter()
    gate, lock = threading.Barrier(CONNECTIONS), threading.Lock()

    def run(thread: int) -> None:
        try:
            gate.wait()
            found = Counter(act(thread, number) for number in range(TRIES))
            with lock:
                outcomes.update(found)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(thread,)) for thread in range(CONNECTIONS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert outcomes.total() == CONNECTIONS * TRIES
    return outcomes


def consumed(tenant_id: UUID, key: str, at: datetime) -> str:
    try:
        api.consume(tenant_id=tenant_id, items=[("calls", 1)], key=key, at=at)
    except api.LimitReached:
        return "full"
    return "granted"


@pytest.mark.storm
@pytest.mark.parametrize("round_", [1, 2, 3])
def test_a_limit_of_a_hundred_grants_a_hundred_to_32_at_once(acme: UUID, valkey: redis.Redis, round_: int) -> None:
    def act(thread: int, number: int) -> str:
        if (thread, number) == (round_, TRIES // 2):
            valkey.flushdb()
        return consumed(acme, f"{thread}-{number}", NOON)

    assert storm(act)["granted"] == 100
    view = api.usage_of(tenant_id=acme, at=NOON)["calls"]
    assert (view.used, view.reserved) == (100, 0)
    valkey.flushdb()
    api.forget_snapshots()
    assert consumed(acme, "after", NOON) == "full"


@pytest.mark.storm
@pytest.mark.parametrize("round_", [1, 2, 3])
def test_reservations_that_expire_meanwhile_let_through_a_hundred_and_no_more(acme: UUID, round_: int) -> None:
    """Forty are held and expire at a moment that only some of the threads have passed, by their clocks."""
    for number in range(40):
        api.reserve(tenant_id=acme, items=[("calls", 1)], key=f"held{number}", ttl=timedelta(seconds=1), at=NOON)

    def act(thread: int, number: int) -> str:
        at = NOON + timedelta(seconds=2) if thread % 2 == round_ % 2 or number > 2 else NOON
        if number % 3 == 0:
            with contextlib.suppress(api.LimitReached):
                held = api.reserve(tenant_id=acme, items=[("calls", 1)], key=uuid4().hex, at=at)
                api.commit(tenant_id=acme, usage_id=held.usage_id, at=at)
                return "granted"
            return "full"
        return consumed(acme, uuid4().hex, at)

    assert storm(act)["granted"] == 100
    view = api.usage_of(tenant_id=acme, at=NOON)["calls"]
    assert (view.used, view.reserved) == (100, 0)


@pytest.mark.storm
def test_one_key_sent_by_everybody_is_one_use(acme: UUID) -> None:
    assert storm(lambda _thread, number: consumed(acme, f"same-{number}", NOON)) == {"granted": CONNECTIONS * TRIES}
    assert api.usage_of(tenant_id=acme, at=NOON)["calls"].used == TRIES


@pytest.mark.storm
def test_batches_in_any_order_hold_each_other_up_and_never_for_good(acme: UUID) -> None:
    for number in range(10):
        items = [("calls", 1), ("mails", 1), ("stores", 1)][number % 3 :]
        with contextlib.suppress(api.LimitReached):
            api.reserve(tenant_id=acme, items=items, key=f"h{number}", ttl=timedelta(seconds=1), at=NOON)

    def act(thread: int, number: int) -> str:
        items = [("stores", 1), ("calls", 1)] if thread % 2 else [("calls", 1), ("mails", 1)]
        try:
            api.consume(tenant_id=acme, items=items, key=f"{thread}-{number}", at=NOON + timedelta(seconds=2))
        except api.LimitReached:
            return "full"
        return "granted"

    assert storm(act)["granted"] == 14 + 2
    views = api.usage_of(tenant_id=acme, at=NOON + timedelta(seconds=2))
    assert {key: (one.used, one.reserved) for key, one in views.items()} == {
        "calls": (16, 0),
        "mails": (14, 0),
        "stores": (2, 0),
    }
