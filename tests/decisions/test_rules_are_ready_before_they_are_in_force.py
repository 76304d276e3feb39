"""To put rules in force has nobody wait: they are compiled by then, wherever decisions are made, and nothing else is."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Self
from uuid import uuid4

import psycopg
import pytest
import redis
from django.conf import settings
from django.db import connections
from django.test import Client

from config.operation.rules import _Rules
from decisions.errors import FactsUnavailable
from decisions.policy import activating, memory
from decisions.policy.activating import read_stage, rollback
from decisions.policy.memory import policy_for
from decisions.policy.stage import Mode
from isolation import clock
from licensing import api as licensing
from licensing import push
from tests.decisions.asking import ask, body
from tests.decisions.bundles import applied, put_in_force, stored
from tests.decisions.conftest import World
from tests.licensing.test_snapshots import until_listening

PATIENCE: Final = 60


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    memory.forget_bundles()
    yield
    memory.wait_for_bundles()


def _channel() -> str:
    return f"{settings.VALKEY_PREFIX}:changed"


class Other:
    """Another process, as far as it is heard: what it is told, and what it answers."""

    def __init__(self, valkey: redis.Redis) -> None:
        self._valkey = valkey
        self._heard: Any = valkey.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        self._heard.subscribe(_channel())
        assert self._heard.get_message(timeout=PATIENCE) is None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._heard.close()

    def announce(self, digest: str) -> bool:
        """Announce a bundle, and say whether the process that runs this test has said that it is ready."""
        reply = uuid4().hex
        self._valkey.publish(_channel(), f"announced bundle {digest} {reply}")
        return self._valkey.blpop([f"{settings.VALKEY_PREFIX}:ready:{reply}"], timeout=PATIENCE) is not None

    def told(self) -> list[str]:
        """List what was told since the last look."""
        end = uuid4().hex
        self._valkey.publish(_channel(), f"end {end}")
        found: list[str] = []
        while (message := self._heard.get_message(timeout=PATIENCE)) is not None:
            said = message["data"].decode()
            if said == f"end {end}":
                return found
            found.append(said)
        raise AssertionError("Valkey fell silent.")

    def answer(self, does: Callable[[str], None]) -> None:
        """Wait for what is announced, do something about it, and say that it is ready."""
        while (message := self._heard.get_message(timeout=PATIENCE)) is not None:
            kind, _, said = message["data"].decode().partition(" ")
            if kind == "announced":
                _bundle, digest, reply = said.split()
                does(digest)
                self._valkey.rpush(f"{settings.VALKEY_PREFIX}:ready:{reply}", "ready")
                return
        raise AssertionError("Nothing was announced.")


@pytest.fixture
def other(valkey: redis.Redis) -> Iterator[Other]:
    with Other(valkey) as process:
        yield process


def _decide(world: World) -> str | None:
    bundle = policy_for(licensing.get_snapshot(tenant_id=world.acme, at=clock.now())).bundle
    return bundle.digest if bundle else None


def _kept() -> set[str]:
    return set(memory._memory._bundles)


def test_what_another_process_announces_is_compiled_before_it_is_in_force(world: World, other: Other) -> None:
    digest = stored().digest
    until_listening()
    assert _decide(world) is None
    assert other.announce(digest)
    assert (_kept(), _decide(world)) == ({digest}, None)
    # Once more, it is ready already.
    assert other.announce(digest)


def test_what_cannot_be_loaded_is_not_kept_and_holds_nobody_up(
    world: World, other: Other, superuser: psycopg.Connection
) -> None:
    digest = stored().digest
    with superuser.transaction():
        superuser.execute("SET LOCAL session_replication_role = replica")
        superuser.execute("UPDATE decisions_bundle SET files = jsonb_set(files, '{rules/a.yaml}', '\"[]\"')")
    until_listening()
    assert _decide(world) is None
    assert other.announce(digest)
    assert other.announce("0" * 64)
    assert _kept() == set()


def test_what_is_only_stored_is_told_to_nobody_and_compiled_by_nobody_who_decides(world: World, other: Other) -> None:
    until_listening()
    assert _decide(world) is None
    digest = stored().digest
    assert other.told() == []
    assert digest not in _kept()


def test_a_process_that_decides_nothing_compiles_nothing_and_says_so(world: World, other: Other) -> None:
    digest = stored().digest
    until_listening()
    assert other.announce(digest)
    assert _kept() == set()


def test_a_step_is_taken_once_all_are_ready(world: World, valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activating, "READY_SECONDS", PATIENCE)
    first, second = applied("first"), stored("second")
    found: list[tuple[str, set[str | None]]] = []

    def look(digest: str) -> None:
        # As long as the others need to compile it, and longer.
        found.append((digest, {read_stage().active for _ in range(200)}))
        connections.close_all()

    with Other(valkey) as other, ThreadPoolExecutor(1) as beside:
        steps: list[Callable[[], object]] = [
            lambda: put_in_force(second.digest),
            lambda: rollback(because="it locks us out", by="user:olga", at=clock.now()),
        ]
        for step in steps:
            answered = beside.submit(other.answer, look)
            step()
            answered.result(timeout=PATIENCE)
    assert found == [(second.digest, {first.active}), (first.active, {second.digest})]
    assert read_stage().active == first.active


def test_who_is_never_ready_holds_a_step_up_for_a_while_alone(
    world: World, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activating, "READY_SECONDS", 0.05)
    assert applied().active == read_stage().active
    assert [one.partition(" ")[0] for one in other.told()] == ["announced", "catalog"]


def test_what_was_in_force_before_is_kept_to_go_back_to(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "CAPACITY", 1)
    old = applied("old")
    _decide(world)
    for name in ("first", "second", "third"):
        candidate = put_in_force(stored(name).digest, mode=Mode.SHADOW, percent=100).candidate
        assert _decide(world) == old.active
    new = applied("new")
    assert _decide(world) == new.active
    assert _kept() == {old.active, new.active} != {candidate, new.active}


def test_what_is_kept_to_go_back_to_is_bounded_by_its_rules_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MAX_KEPT_RULES", 2)
    digests = [applied(name).active for name in ("a", "b", "c", "d", "e")]
    _decide(world)
    put_in_force(stored("f").digest)
    assert len(_kept()) == 1 + 2 + 1, "what is in force so far, what is kept, and what will be"
    assert _kept() >= set(digests[-1:])


def test_a_process_that_starts_has_what_may_be_asked_before_anybody_asks(world: World) -> None:
    first, second = applied("first"), stored("second")
    put_in_force(second.digest, mode=Mode.STAGED, tenants=[world.globex])
    memory.forget_bundles()
    licensing.stop_listening()
    rules = _Rules()
    rules.load()
    assert (rules.is_done, _kept()) == (True, {first.active, second.digest})
    assert push._current is not None, "nobody would tell it of what comes"


def test_a_bundle_that_cannot_be_loaded_keeps_no_process_from_starting(
    world: World, client: Client, superuser: psycopg.Connection
) -> None:
    handle = world.asserted()
    applied()
    memory.forget_bundles()
    with superuser.transaction():
        superuser.execute("SET LOCAL session_replication_role = replica")
        superuser.execute("UPDATE decisions_bundle SET files = '{}'")
    rules = _Rules()
    rules.load()
    assert rules.is_done
    assert ask(client, world.acme_key, body(session=handle), status=503)["code"] == "facts_unavailable"


def test_a_database_that_has_fallen_back_says_nothing_of_which_rules_are_in_force(
    world: World, client: Client, superuser: psycopg.Connection
) -> None:
    handle = world.asserted()
    before = applied("first", says="aal2")
    applied("second")
    seen = licensing.get_snapshot(tenant_id=world.acme, at=clock.now())
    memory.forget_bundles()
    # As a copy that was promised to be the primary before the second step had reached it.
    with superuser.transaction():
        superuser.execute("SET LOCAL session_replication_role = replica")
        superuser.execute("DELETE FROM decisions_activation WHERE number = 2")
        superuser.execute(
            "UPDATE licensing_generation SET number = %s WHERE scope = 'ffffffff-ffff-ffff-ffff-ffffffffffff'",
            [before.generation],
        )
    for _ in range(2):
        with pytest.raises(FactsUnavailable):
            policy_for(seen)
    answer = ask(client, world.acme_key, body(session=handle), status=503)
    assert answer["code"] in {"facts_unavailable", "snapshot_behind"}


def test_threads_that_need_the_same_bundle_compile_it_once(world: World) -> None:
    digest = stored().digest
    gate = threading.Barrier(4)

    def load(_: int) -> int:
        gate.wait(PATIENCE)
        try:
            return id(memory.bundle_of(digest))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as several:
        assert len(set(several.map(load, range(4)))) == 1
