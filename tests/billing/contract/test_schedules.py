"""A change that comes later."""

from typing import Any

import pytest
import stripe

from config.fake_stripe import FakeStripe
from tests.billing.contract.shop import Shop


def _downgrade(shop: Shop) -> tuple[stripe.Subscription, stripe.SubscriptionSchedule, stripe.Price]:
    made = shop.subscribe(shop.customer(), shop.price(5000))
    smaller = shop.price(1000)
    schedule = shop.client.v1.subscription_schedules.create({"from_subscription": made.id})
    (phase,) = schedule.phases
    phases: Any = [
        {
            "items": [{"price": str(phase["items"][0].price), "quantity": 1}],
            "start_date": phase.start_date,
            "end_date": phase.end_date,
        },
        {
            "items": [{"price": smaller.id, "quantity": 1}],
            "duration": {"interval": "month", "interval_count": 1},
            "proration_behavior": "none",
        },
    ]
    changed = shop.client.v1.subscription_schedules.update(schedule.id, {"phases": phases, "end_behavior": "release"})
    return made, changed, smaller


def test_it_is_scheduled_and_the_subscription_stays_as_it_is(shop: Shop) -> None:
    made, schedule, smaller = _downgrade(shop)
    assert (schedule.status, len(schedule.phases), schedule.phases[1]["items"][0].price) == ("active", 2, smaller.id)
    assert schedule.phases[1].start_date == schedule.phases[0].end_date
    found = shop.client.v1.subscriptions.retrieve(made.id)
    assert (found.schedule, found["items"].data[0].price.unit_amount) == (schedule.id, 5000)
    with pytest.raises(stripe.InvalidRequestError):
        shop.client.v1.subscriptions.update(made.id, {"cancel_at_period_end": True})
    with pytest.raises(stripe.InvalidRequestError):
        shop.client.v1.subscription_schedules.create({"from_subscription": made.id})


def test_a_released_one_leaves_the_subscription_as_it_is(shop: Shop) -> None:
    made, schedule, _smaller = _downgrade(shop)
    released = shop.client.v1.subscription_schedules.release(schedule.id)
    assert (released.status, released.subscription, released.released_subscription) == ("released", None, made.id)
    found = shop.client.v1.subscriptions.retrieve(made.id)
    assert (found.schedule, found.status) == (None, "active")


def test_the_change_comes_with_the_period_and_is_billed_at_its_price(fake: FakeStripe, stall: Shop) -> None:
    fake.turn(now=1_767_225_600)
    made, schedule, smaller = _downgrade(stall)
    end = made["items"].data[0].current_period_end
    fake.turn(now=end - 1)
    assert stall.client.v1.subscriptions.retrieve(made.id)["items"].data[0].price.unit_amount == 5000
    fake.turn(now=end + 3600)
    found = stall.client.v1.subscriptions.retrieve(made.id, {"expand": ["latest_invoice"]})
    assert [(item.price.id, item.current_period_start) for item in found["items"].data] == [(smaller.id, end)]
    assert isinstance(found.latest_invoice, stripe.Invoice)
    assert (found.latest_invoice.status, found.latest_invoice.amount_paid) == ("paid", 1000)
    fake.turn(now=found["items"].data[0].current_period_end)
    over = stall.client.v1.subscription_schedules.retrieve(schedule.id)
    assert (over.status, stall.client.v1.subscriptions.retrieve(made.id).schedule) == ("released", None)
