"""Nobody gets more of a limit than was sold, by whatever they send."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import redis
from django.db import DatabaseError, connections, transaction

from isolation.api import tenant_row, tenant_transaction
from licensing import api
from licensing.models import UsageCounter, UsageEntry
from licensing.usage.counting import line_json, lines_of
from tests.usage.conftest import NOON, acme, catalogue
from tests.usage.test_limits_are_exact import hold, take, used
from tiergate import Counted, FeatureKind, FeatureSpec, Term

__all__ = ["acme", "catalogue"]


def test_a_use_is_nobody_elses_to_settle(acme: UUID) -> None:
    held = hold(acme, 60)
    other = api.put_tenant(slug="globex", name="Globex", by="test", at=NOON)[0].id
    for settle in (api.commit, api.release):
        with pytest.raises(api.UsageNotFound):
            settle(tenant_id=other, usage_id=held.usage_id, at=NOON)
    assert used(acme) == (0, 60)


def test_what_was_used_is_not_given_back_as_if_it_had_been_held(acme: UUID) -> None:
    done = take(acme, 60)
    with pytest.raises(api.UsageSettled):
        api.release(tenant_id=acme, usage_id=done.usage_id, at=NOON)
    assert used(acme) == (60, 0)


def test_a_limit_that_is_missing_is_no_lack_of_one(acme: UUID) -> None:
    """A term without a number is not to be had by any door, nor does the counting take one for unlimited."""
    with pytest.raises(api.InvalidTerm):
        api.put_override(tenant_id=acme, feature="calls", effect="value", reason="r", by="t", at=NOON)
    api.put_override(tenant_id=acme, feature="calls", effect="value", limit=0, reason="r", by="t", at=NOON)
    with pytest.raises(api.NotEntitled):
        take(acme)


def test_a_wiped_cache_gives_back_nothing(acme: UUID, valkey: redis.Redis) -> None:
    take(acme, 100)
    valkey.flushdb()
    api.forget_snapshots()
    with pytest.raises(api.LimitReached):
        take(acme)


def test_less_than_nothing_is_never_used(acme: UUID) -> None:
    take(acme, 1)
    with pytest.raises(DatabaseError), tenant_transaction(acme), transaction.atomic():
        UsageCounter.objects.filter(tenant_id=acme).update(used=-5)


def test_a_limit_of_before_a_change_is_not_taken_from(acme: UUID) -> None:
    """Whoever counts says by which state the limit was known, and takes nothing where that is not the one of now."""
    before = api.get_snapshot(tenant_id=acme, at=NOON)
    api.put_override(
        tenant_id=acme, feature="calls", effect="value", limit=60, reset_period="day", reason="r", by="t", at=NOON
    )
    lines = [line_json(line) for line in lines_of(before, [("calls", 61)], at=NOON)]
    found = tenant_row(
        acme,
        "licensing_usage_take(%s, %s, 'k', 'd', 'consumed', NULL, NULL, '', '', %s, %s, true, %s::jsonb)",
        [acme, uuid4(), NOON, before.version, json.dumps(lines)],
    )
    assert json.loads(found[0]) == {"outcome": "moved"}
    with pytest.raises(api.LimitReached):
        take(acme, 61)


def test_a_key_holds_for_the_time_that_it_was_first_asked_for(acme: UUID) -> None:
    told: dict[str, Any] = {"items": [("calls", 1)], "key": "k", "at": NOON}
    api.reserve(tenant_id=acme, ttl=timedelta(minutes=1), **told)
    for ask in (api.consume, partial(api.reserve, ttl=timedelta(days=7))):
        with pytest.raises(api.UsageKeyReused):
            ask(tenant_id=acme, **told)
    assert used(acme) == (0, 1)


def test_a_reservation_is_held_no_longer_than_a_week(acme: UUID) -> None:
    for ttl in (timedelta(days=8), timedelta(0), timedelta(seconds=-1)):
        with pytest.raises(api.InvalidQuantity):
            api.reserve(tenant_id=acme, items=[("calls", 1)], key=uuid4().hex, ttl=ttl, at=NOON)


def test_a_key_is_its_subjects_and_its_tenants(acme: UUID) -> None:
    other = api.put_tenant(slug="globex", name="Globex", by="test", at=NOON)[0].id
    api.put_subscription(tenant_id=other, plan="starter", by="test", at=NOON)
    told: dict[str, Any] = {"items": [("calls", 1)], "key": "k", "at": NOON}
    first = api.consume(tenant_id=acme, subject=("user", "alice"), **told)
    for somebody in (("user", "bob"), ("account", "alice"), None):
        with pytest.raises(api.UsageKeyReused):
            api.consume(tenant_id=acme, subject=somebody, **told)
    assert api.consume(tenant_id=other, subject=("user", "alice"), **told).usage_id != first.usage_id
    assert (used(acme), used(other)) == ((1, 0), (1, 0))


def test_what_is_counted_by_itself_is_used_up_by_nobody(acme: UUID) -> None:
    with api.edit_catalogue(by="test", at=NOON) as edit:
        edit.put_feature(FeatureSpec(key="seats", kind=FeatureKind.LIMIT, counts=Counted.MEMBERS))
        edit.put_plan(api.PlanSpec(key="team", terms=(Term(feature="seats", limit=3),)))
    api.put_subscription(tenant_id=acme, plan="team", by="test", at=NOON)
    with pytest.raises(api.NotCounted):
        take(acme, feature="seats")


def waits_for_somebody(superuser: psycopg.Connection) -> None:
    """Look until somebody in this database waits for a lock."""
    held = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pg_blocking_pids(pid) <> '{}'"
    for _ in range(2000):
        superuser.execute("SELECT pg_stat_clear_snapshot(), pg_sleep(0.005)")
        if superuser.execute(held).fetchone() != (0,):
            return
    raise AssertionError("nobody waits")


def test_a_key_sent_at_once_for_one_thing_and_for_two_leaves_nothing_behind(
    acme: UUID, superuser: psycopg.Connection
) -> None:
    """Whoever comes second under a key has written nothing, not even what the first one has no line for."""

    def second() -> object:
        try:
            return api.reserve(
                tenant_id=acme, items=[("calls", 1), ("stores", 1)], key="k", ttl=timedelta(seconds=1), at=NOON
            )
        except api.UsageKeyReused as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with tenant_transaction(acme):
            take(acme, key="k")
            other = pool.submit(second)
            waits_for_somebody(superuser)
        assert isinstance(other.result(10), api.UsageKeyReused)
    with tenant_transaction(acme):
        assert list(UsageEntry.objects.values_list("feature", "state")) == [("calls", "consumed")]
    take(acme, 99, at=NOON + timedelta(minutes=1))
    assert (used(acme), used(acme, "stores")) == ((100, 0), (0, 0))
