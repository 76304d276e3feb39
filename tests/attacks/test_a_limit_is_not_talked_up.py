"""Nobody gets more of a limit than was sold, by whatever they send."""

import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import redis
from django.db import DatabaseError, transaction

from isolation.api import tenant_row, tenant_transaction
from licensing import api
from licensing.models import UsageCounter
from licensing.usage.counting import line_json, lines_of
from tests.usage.conftest import NOON, acme, catalogue
from tests.usage.test_limits_are_exact import hold, take, used

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
    valkey.flushall()
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


def test_a_reservation_is_held_no_longer_than_a_week(acme: UUID) -> None:
    for ttl in (timedelta(days=8), timedelta(0), timedelta(seconds=-1)):
        with pytest.raises(api.InvalidQuantity):
            api.reserve(tenant_id=acme, items=[("calls", 1)], key=uuid4().hex, ttl=ttl, at=NOON)
