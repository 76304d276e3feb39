"""What is used is counted once, and never beyond its limit."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from isolation.api import tenant_transaction
from licensing import api
from licensing.models import OutboxEvent, UsageCounter
from licensing.usage.settling import expire_reservations
from tests.usage.conftest import NOON

LATER = NOON + timedelta(minutes=20)


def used(tenant_id: UUID, feature: str = "calls", *, at: datetime = NOON) -> tuple[int, int]:
    view = api.usage_of(tenant_id=tenant_id, at=at)[feature]
    return view.used, view.reserved


def take(
    tenant_id: UUID, quantity: int = 1, *, feature: str = "calls", key: str = "", at: datetime = NOON
) -> api.Consumed:
    return api.consume(tenant_id=tenant_id, items=[(feature, quantity)], key=key or uuid4().hex, at=at)


def hold(tenant_id: UUID, quantity: int, *, key: str = "", at: datetime = NOON) -> api.Consumed:
    return api.reserve(tenant_id=tenant_id, items=[("calls", quantity)], key=key or uuid4().hex, at=at)


def test_all_of_a_limit_can_be_used_and_no_more(acme: UUID) -> None:
    take(acme, 99)
    take(acme, 1)
    with pytest.raises(api.LimitReached) as error:
        take(acme, 1)
    assert used(acme) == (100, 0)
    assert error.value.kind == "payment_required"
    unlocks: Any = error.value.extra["unlocks"]
    assert [one["plan"] for one in unlocks] == ["business"]


def test_the_same_key_is_the_same_use_and_with_something_else_a_conflict(acme: UUID) -> None:
    first = take(acme, 100, key="a")
    assert take(acme, 100, key="a") == first
    asked: dict[str, Any] = {"tenant_id": acme, "items": [("calls", 100)], "key": "a", "at": NOON}
    with pytest.raises(api.UsageKeyReused):
        api.reserve(**asked)
    for more in ({"subject": ("user", "bob")}, {"purpose": "another"}, {"items": [("calls", 99)]}):
        with pytest.raises(api.UsageKeyReused):
            api.consume(**asked | more)
    assert used(acme) == (100, 0)


def test_a_batch_is_taken_whole_or_not_at_all(acme: UUID) -> None:
    with pytest.raises(api.LimitReached):
        api.consume(tenant_id=acme, items=[("calls", 5), ("mails", 15)], key="b", at=NOON)
    assert (used(acme), used(acme, "mails")) == ((0, 0), (0, 0))
    api.consume(tenant_id=acme, items=[("mails", 14), ("calls", 3), ("calls", 2)], key="b", at=NOON)
    assert (used(acme), used(acme, "mails")) == ((5, 0), (14, 0))


def test_what_is_held_is_nobody_elses_until_it_is_given_back(acme: UUID) -> None:
    held = hold(acme, 60)
    with pytest.raises(api.LimitReached):
        take(acme, 41)
    api.release(tenant_id=acme, usage_id=held.usage_id, at=NOON)
    assert api.release(tenant_id=acme, usage_id=held.usage_id, at=NOON).state == "released"
    take(acme, 100)
    assert used(acme) == (100, 0)
    with pytest.raises(api.UsageSettled):
        api.commit(tenant_id=acme, usage_id=held.usage_id, at=NOON)


def test_of_what_is_held_less_may_be_used_and_the_rest_is_given_back(acme: UUID) -> None:
    held = hold(acme, 60)
    with pytest.raises(api.InvalidQuantity):
        api.commit(tenant_id=acme, usage_id=held.usage_id, quantity=61, at=NOON)
    done = api.commit(tenant_id=acme, usage_id=held.usage_id, quantity=20, at=NOON)
    assert (done.state, done.items) == ("committed", (("calls", 20),))
    assert api.commit(tenant_id=acme, usage_id=held.usage_id, quantity=20, at=NOON) == done
    with pytest.raises(api.UsageSettled):
        api.commit(tenant_id=acme, usage_id=held.usage_id, quantity=21, at=NOON)
    assert used(acme) == (20, 0)


def test_a_reservation_that_is_over_holds_nothing_and_is_not_used(acme: UUID) -> None:
    first, second = hold(acme, 60), hold(acme, 40)
    assert used(acme, at=LATER) == (0, 0)
    take(acme, 100, at=LATER)
    with pytest.raises(api.UsageExpired):
        api.commit(tenant_id=acme, usage_id=first.usage_id, at=LATER)
    assert api.release(tenant_id=acme, usage_id=second.usage_id, at=LATER).state == "expired"
    assert used(acme, at=LATER) == (100, 0)


def test_an_expired_reservation_is_not_used_though_nobody_noticed_yet(acme: UUID) -> None:
    held = hold(acme, 60)
    with pytest.raises(api.UsageExpired):
        api.commit(tenant_id=acme, usage_id=held.usage_id, at=LATER)
    assert used(acme, at=NOON) == (0, 0)


def test_the_limit_is_that_of_now(acme: UUID) -> None:
    take(acme, 100)
    api.put_subscription(tenant_id=acme, plan="business", by="test", at=NOON)
    take(acme, 1)
    api.put_override(
        tenant_id=acme, feature="calls", effect="value", limit=50, reset_period="day", reason="r", by="t", at=NOON
    )
    with pytest.raises(api.LimitReached):
        take(acme, 1)
    assert used(acme) == (101, 0)


def test_a_limit_that_is_reached_is_told_of_once_in_a_period(acme: UUID) -> None:
    def told() -> list[dict[str, Any]]:
        with tenant_transaction(acme):
            rows = OutboxEvent.objects.filter(tenant_id=acme, kind="limit.reached").order_by("at")
            return [row.payload for row in rows]

    take(acme, 99)
    assert told() == []
    held = hold(acme, 1)
    api.release(tenant_id=acme, usage_id=held.usage_id, at=NOON)
    take(acme, 1)
    (event,) = told()
    assert (event["feature"], event["limit"], event["reserved"]) == ("calls", 100, 1)
    take(acme, 100, at=NOON + timedelta(days=1))
    assert [one["used"] for one in told()] == [99, 100]


def test_a_soft_limit_lets_more_and_counts_it_as_overage(acme: UUID) -> None:
    api.put_subscription(tenant_id=acme, plan="business", by="test", at=NOON)
    take(acme, 1500)
    view = api.usage_of(tenant_id=acme, at=NOON)["calls"]
    assert (view.used, view.limit, view.overage) == (1500, 1000, 500)


def test_only_a_limit_that_is_held_is_counted(acme: UUID) -> None:
    with pytest.raises(api.NotCounted):
        take(acme, feature="exports")
    with pytest.raises(api.UnknownFeature):
        take(acme, feature="nothing")
    api.put_override(tenant_id=acme, feature="calls", effect="removed", reason="r", by="t", at=NOON)
    with pytest.raises(api.NotEntitled):
        take(acme)


@pytest.mark.parametrize("quantity", [0, -1, True, 10**12 + 1, 1.0])
def test_a_quantity_is_a_whole_number_from_one_on(acme: UUID, quantity: int) -> None:
    with pytest.raises(api.InvalidQuantity):
        take(acme, quantity)


def test_a_tenant_whose_count_is_broken_keeps_no_others_from_being_given_back(acme: UUID) -> None:
    others = [api.put_tenant(slug=slug, name=slug, by="test", at=NOON)[0].id for slug in ("globex", "hooli")]
    for tenant_id in (acme, *others):
        api.put_subscription(tenant_id=tenant_id, plan="starter", by="test", at=NOON)
        hold(tenant_id, 60)
    UsageCounter.objects.using("sweep").filter(tenant_id=acme).update(reserved=0)
    assert expire_reservations(at=LATER) == 2
