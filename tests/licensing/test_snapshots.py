"""A process remembers what it compiled, and is never the last to know."""

import itertools
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from uuid import UUID, uuid4

import psycopg
import pytest
import redis
from django.db import connection, transaction
from pytest_django import Settings

from config.embedded.processes import wait_until
from isolation.api import tenant_transaction
from licensing import api, push, replica, snapshots
from tests.conftest import PATIENCE
from tests.licensing.conftest import NOON, fill, later

pytestmark = pytest.mark.usefixtures("catalogue")


def plan(tenant_id: UUID, key: str, days: float = 0) -> None:
    api.put_subscription(tenant_id=tenant_id, plan=key, by="test", at=later(days))


def may_export(tenant_id: UUID, days: float = 1) -> bool:
    return api.get_snapshot(tenant_id=tenant_id, at=later(days)).entitlements["exports"].is_granted


def until_listening() -> None:
    assert wait_until(api.is_listening, seconds=PATIENCE), "the listener never subscribed"


def until_heard() -> None:
    """Wait until this process has heard, by way of Valkey, whatever it has told so far."""
    until_listening()
    heard = threading.Event()
    listener = "tiergate-changes"
    push.subscribe(
        told := lambda kind, _key: heard.set() if (kind, threading.current_thread().name) == ("end", listener) else None
    )
    push.publish("end", "")
    assert heard.wait(timeout=PATIENCE), "what was told did not come back"
    push._handlers.remove(told)


@pytest.fixture
def at_a_standstill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no second pass by which what was compared with the database a moment ago has to be again."""
    moments = itertools.count(time.monotonic(), 1e-6)
    for module in (snapshots, replica):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(moments)))


@contextmanager
def statements() -> Iterator[list[str]]:
    """List what is asked of the database, by whatever way it goes there."""
    found: list[str] = []

    def note(execute: Callable[..., object], sql: str, *rest: object) -> object:
        found.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        yield found


@pytest.mark.storm
def test_a_change_in_another_process_is_seen_at_the_next_look(acme: UUID) -> None:
    plan(acme, "starter")
    until_listening()
    assert not may_export(acme)
    heard = threading.Event()
    push.subscribe(told := lambda kind, key: heard.set() if (kind, key) == ("tenant", str(acme)) else None)
    other = textwrap.dedent(
        f"""
        import django
        django.setup()
        from datetime import datetime
        from licensing import api
        api.put_subscription(
            tenant_id=api.get_tenant("acme").id, plan="business", by="another process",
            at=datetime.fromisoformat("{later(0.5).isoformat()}"),
        )
        """
    )
    subprocess.run([sys.executable, "-c", other], check=True, env=os.environ, timeout=60)
    assert heard.wait(timeout=PATIENCE)
    push._handlers.remove(told)
    assert may_export(acme)


def test_while_the_listener_is_deaf_every_look_asks_the_database(
    acme: UUID, settings: Settings, superuser: psycopg.Connection
) -> None:
    api.stop_listening()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    push.client.cache_clear()
    try:
        plan(acme, "starter")
        assert not may_export(acme)
        superuser.execute("SET session_replication_role = origin")
        superuser.execute(
            "UPDATE licensing_subscription SET plan_version_id = (SELECT current_id FROM licensing_plan"
            " WHERE key = 'business') WHERE tenant_id = %s",
            [acme],
        )
        assert may_export(acme), "Valkey is down: the database still tells"
        assert not api.is_listening()
    finally:
        api.stop_listening()
        push.client.cache_clear()


def test_a_listener_that_lost_its_server_comes_back_and_forgets_what_it_may_have_missed(
    acme: UUID, valkey: redis.Redis
) -> None:
    until_listening()
    resets = threading.Event()
    push.subscribe(told := lambda kind, _key: resets.set() if kind == push.RESET else None)
    # Who hears of another test's process is in another database of this server, and goes on hearing.
    own = str(valkey.connection_pool.connection_kwargs["db"])
    for client in valkey.client_list(_type="pubsub"):
        if client["db"] == own:
            valkey.client_kill_filter(_id=client["id"])
    assert resets.wait(timeout=PATIENCE)
    push._handlers.remove(told)
    until_listening()


def test_a_handler_that_fails_deafens_nobody(acme: UUID) -> None:
    def fail(_kind: str, _key: str) -> None:
        raise RuntimeError

    push.subscribe(fail)
    try:
        plan(acme, "starter")
        assert not may_export(acme)
        plan(acme, "business", 0.5)
        assert may_export(acme)
    finally:
        push._handlers.remove(fail)


def test_a_snapshot_that_holds_costs_no_query(acme: UUID, at_a_standstill: None) -> None:
    plan(acme, "business")
    until_heard()
    may_export(acme)
    with statements() as asked:
        assert may_export(acme)
    assert asked == []


def test_time_alone_changes_a_snapshot_at_its_instant(acme: UUID) -> None:
    api.put_subscription(tenant_id=acme, plan="business", active_to=later(2), by="test", at=NOON)
    snapshot = api.get_snapshot(tenant_id=acme, at=later(1))
    assert snapshot.next_change_at == later(2)
    assert may_export(acme, 1.9)
    assert not may_export(acme, 2)
    assert may_export(acme, 1.9), "and an earlier instant is answered as of then"
    assert not may_export(acme, -1)


def test_what_another_transaction_has_not_committed_is_neither_seen_nor_kept(acme: UUID) -> None:
    plan(acme, "starter")
    with transaction.atomic():
        plan(acme, "business", 0.5)
        assert may_export(acme), "one's own change is seen inside"
        transaction.set_rollback(True)
    assert not may_export(acme), "and was not remembered"


def test_a_snapshot_is_read_inside_a_tenants_transaction_too(acme: UUID) -> None:
    plan(acme, "business")
    with tenant_transaction(acme):
        assert may_export(acme)


def test_a_caller_that_has_seen_a_newer_state_is_never_answered_from_an_older_one(acme: UUID) -> None:
    plan(acme, "starter")
    may_export(acme)
    plan(acme, "business", 0.5)
    version = api.snapshot_version(tenant_id=acme)
    found = api.get_snapshot(tenant_id=acme, at=later(1), min_version=version)
    assert found.version == version
    catalogue, tenant = version.removeprefix("g").split(".t")
    for newer in (f"g{int(catalogue) + 10**6}.t{tenant}", f"g{catalogue}.t{int(tenant) + 10**6}"):
        with pytest.raises(api.SnapshotBehind) as refused:
            api.get_snapshot(tenant_id=acme, at=later(1), min_version=newer)
        assert refused.value.extra == {"retry_after": 1}
    for odd in ("", "g1", "g1.t", "g-1.t1", "g1.t1\n", "g" + "9" * 19 + ".t1"):
        with pytest.raises(api.InvalidSnapshotVersion):
            api.get_snapshot(tenant_id=acme, at=later(1), min_version=odd)


def test_an_entry_read_before_news_came_is_checked_before_it_is_used_again(acme: UUID) -> None:
    memory = snapshots._Memory()
    entry = snapshots._build(acme, NOON)
    news = memory.news
    memory.hear("catalog", "")
    memory.keep(acme, entry, news=news)
    assert not memory.is_trusted(entry)


def test_a_catalogue_change_reaches_every_tenant_and_names_a_new_policy(acme: UUID) -> None:
    plan(acme, "starter")
    before = api.get_snapshot(tenant_id=acme, at=later(1))
    with api.edit_catalogue(by="test", at=NOON) as edit:
        fill(edit, business_price=5900)
    after = api.get_snapshot(tenant_id=acme, at=later(1))
    assert after.policy_version != before.policy_version
    assert after.unlocks["exports"][1].price == 5900


# What putting rules in force does to the counters, and nothing else.
RULES = "SELECT licensing_bump_one('ffffffff-ffff-ffff-ffff-ffffffffffff')"

# As before the first release that counts it.
UNCOUNTED = "DELETE FROM licensing_generation WHERE scope = 'ffffffff-ffff-ffff-ffff-fffffffffffe'"


@pytest.mark.parametrize("is_told", [True, False])
def test_rules_put_in_force_give_a_snapshot_another_number_and_have_nothing_read_again(
    acme: UUID,
    superuser: psycopg.Connection,
    at_a_standstill: None,
    is_told: bool,  # noqa: FBT001 - pytest names its arguments
) -> None:
    plan(acme, "business")
    until_heard()
    before = api.get_snapshot(tenant_id=acme, at=later(1))
    superuser.execute(RULES)
    if is_told:
        push._dispatch("catalog", "")
    wanted = None if is_told else api.snapshot_version(tenant_id=acme)
    with statements() as asked:
        after = api.get_snapshot(tenant_id=acme, at=later(2), min_version=wanted)
    assert len(asked) == 1, asked
    assert after.version == api.snapshot_version(tenant_id=acme) != before.version
    assert after.version.startswith(f"g{after.catalogue_generation}.")
    assert after == replace(before, version=after.version, catalogue_generation=after.catalogue_generation)
    with statements() as asked:
        assert api.get_snapshot(tenant_id=acme, at=later(2)) is after
    assert asked == []
    superuser.execute(RULES)
    push._dispatch("catalog", "")
    assert api.get_snapshot(tenant_id=acme, at=later(2)).version == api.snapshot_version(tenant_id=acme)


def test_time_goes_on_in_a_snapshot_of_another_number(acme: UUID, superuser: psycopg.Connection) -> None:
    api.put_subscription(tenant_id=acme, plan="business", active_to=later(2), by="test", at=NOON)
    assert may_export(acme)
    superuser.execute(RULES)
    push._dispatch("catalog", "")
    assert not may_export(acme, 2)
    superuser.execute(RULES)
    push._dispatch("catalog", "")
    assert may_export(acme, 1.9)
    assert not may_export(acme, 2)


@pytest.mark.parametrize("changed", ["tenant", "catalogue", "uncounted"])
def test_what_changed_beside_rules_is_read_with_them(acme: UUID, superuser: psycopg.Connection, changed: str) -> None:
    plan(acme, "starter")
    if changed == "uncounted":
        superuser.execute(UNCOUNTED)
    before = api.get_snapshot(tenant_id=acme, at=later(1))
    superuser.execute(RULES)
    if changed == "tenant":
        superuser.execute(
            "INSERT INTO licensing_role (id, tenant_id, key, privileges) VALUES (gen_random_uuid(), %s, 'more', '{}')",
            [acme],
        )
    else:
        superuser.execute("UPDATE licensing_plan SET title = 'Other'")
    if changed == "uncounted":
        superuser.execute(UNCOUNTED)
    superuser.execute(RULES)
    push._dispatch("catalog", "")
    after = api.get_snapshot(tenant_id=acme, at=later(1))
    seen = ("more" in after.roles, after.unlocks["exports"][0].title == "Other")
    assert seen == (changed == "tenant", changed != "tenant"), before


def test_whatever_raises_the_catalogues_number_raises_that_of_its_content(superuser: psycopg.Connection) -> None:
    hung = "SELECT tgrelid::regclass::text, tgtype FROM pg_trigger WHERE tgfoid = %s::regproc ORDER BY 1"
    of_all, of_content = (
        superuser.execute(hung, [f"licensing_bump_{name}"]).fetchall() for name in ("catalogue", "content")
    )
    assert of_content == of_all != []


def test_the_memory_is_bounded(acme: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "CAPACITY", 2)
    memory = snapshots._Memory()
    entry = snapshots._build(acme, NOON)
    ids = [uuid4() for _ in range(3)]
    for one in ids:
        memory.keep(one, entry, news=memory.news)
    assert memory.find(ids[0]) is None
    assert memory.find(ids[2]) is entry


def test_an_unknown_tenant_is_said_to_be_unknown() -> None:
    with pytest.raises(api.TenantNotFound):
        api.get_snapshot(tenant_id=uuid4(), at=NOON + timedelta(days=1))
