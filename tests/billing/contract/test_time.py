"""What happens by itself when time passes."""

import time
from collections.abc import Callable

import pytest
import stripe

from config.fake_stripe import FakeStripe
from tests.billing.contract.shop import Shop

_DAY = 86400
_START = 1_767_225_600  # 2026-01-01T00:00:00Z
_PATIENCE_SECONDS = 120.0

type Advance = Callable[[int], None]


@pytest.fixture
def clock(shop: Shop) -> stripe.test_helpers.TestClock:
    return shop.client.v1.test_helpers.test_clocks.create({"frozen_time": _START})


@pytest.fixture
def advance(shop: Shop, clock: stripe.test_helpers.TestClock) -> Advance:
    """Put the clock forward to an instant, and wait until Stripe has done what falls due."""

    def to(instant: int) -> None:
        clocks = shop.client.v1.test_helpers.test_clocks
        assert clocks.advance(clock.id, {"frozen_time": instant}).status == "advancing"
        until = time.monotonic() + _PATIENCE_SECONDS
        while clocks.retrieve(clock.id).status != "ready":
            assert time.monotonic() < until

    return to


def _period(subscription: stripe.Subscription) -> tuple[int, int]:
    (item,) = subscription["items"].data
    return item.current_period_start, item.current_period_end


def test_a_period_turns_and_its_invoice_is_paid_an_hour_later(
    shop: Shop, clock: stripe.test_helpers.TestClock, advance: Advance
) -> None:
    made = shop.subscribe(shop.customer(test_clock=clock.id), shop.price(1000))
    _start, end = _period(made)
    advance(end)
    turned = shop.client.v1.subscriptions.retrieve(made.id, {"expand": ["latest_invoice"]})
    assert _period(turned)[0] == end
    assert isinstance(turned.latest_invoice, stripe.Invoice)
    assert (turned.latest_invoice.status, turned.latest_invoice.billing_reason) == ("draft", "subscription_cycle")
    advance(end + 2 * 3600)
    assert shop.client.v1.invoices.retrieve(turned.latest_invoice.id).status == "paid"


def test_a_trial_ends_and_is_paid_for(shop: Shop, clock: stripe.test_helpers.TestClock, advance: Advance) -> None:
    made = shop.subscribe(shop.customer(test_clock=clock.id), shop.price(1000), trial_period_days=14)
    advance(_START + 14 * _DAY + 2 * 3600)
    found = shop.client.v1.subscriptions.retrieve(made.id, {"expand": ["latest_invoice"]})
    assert isinstance(found.latest_invoice, stripe.Invoice)
    assert (found.status, found.latest_invoice.amount_paid) == ("active", 1000)


def test_a_trial_without_a_card_ends_as_was_said(
    shop: Shop, clock: stripe.test_helpers.TestClock, advance: Advance
) -> None:
    price = shop.price(1000)
    made = [
        shop.subscribe(
            shop.customer(None, test_clock=clock.id),
            price,
            trial_period_days=7,
            trial_settings={"end_behavior": {"missing_payment_method": wanted}},
        )
        for wanted in ("cancel", "pause")
    ]
    advance(_START + 8 * _DAY)
    found = [shop.client.v1.subscriptions.retrieve(one.id).status for one in made]
    assert found == ["canceled", "paused"]


def test_one_that_was_cancelled_ends_with_its_period(
    shop: Shop, clock: stripe.test_helpers.TestClock, advance: Advance
) -> None:
    made = shop.subscribe(shop.customer(test_clock=clock.id), shop.price(1000), cancel_at_period_end=True)
    advance(_period(made)[1] + 60)
    over = shop.client.v1.subscriptions.retrieve(made.id)
    assert (over.status, over.ended_at) == ("canceled", _period(made)[1])


def test_a_month_that_has_no_thirty_first_does_not_lose_it(fake: FakeStripe, stall: Shop) -> None:
    fake.turn(now=_START + 30 * _DAY)
    made = stall.subscribe(stall.customer(), stall.price(1000))
    days = []
    for _ in range(3):
        end = _period(stall.client.v1.subscriptions.retrieve(made.id))[1]
        days.append(time.gmtime(end)[1:3])
        fake.turn(now=end)
    assert days == [(2, 28), (3, 31), (4, 30)]


@pytest.mark.parametrize(("after", "status"), [("cancel", "canceled"), ("unpaid", "unpaid"), ("past_due", "past_due")])
def test_a_payment_is_tried_four_times_and_then_what_is_set_is_done(
    fake: FakeStripe, stall: Shop, after: str, status: str
) -> None:
    fake.turn(now=_START, after_retries=after)
    customer = stall.customer()
    made = stall.subscribe(customer, stall.price(1000))
    stall.client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    bad = stall.client.v1.payment_methods.list({"customer": customer.id}).data[0]
    stall.client.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": bad.id}})
    seen = []
    due = _period(made)[1] + 3600
    for _ in range(4):
        fake.turn(now=due)
        found = stall.client.v1.subscriptions.retrieve(made.id)
        invoice = stall.client.v1.invoices.retrieve(str(found.latest_invoice))
        seen.append((found.status, invoice.attempt_count))
        due = invoice.next_payment_attempt or due
    assert seen == [("past_due", 1), ("past_due", 2), ("past_due", 3), (status, 4)]


def test_one_that_was_never_paid_expires(fake: FakeStripe, stall: Shop) -> None:
    fake.turn(now=_START)
    made = stall.subscribe(stall.customer("pm_card_chargeCustomerFail"), stall.price(1000))
    fake.turn(now=_START + 23 * 3600)
    assert stall.client.v1.subscriptions.retrieve(made.id).status == "incomplete_expired"
    assert stall.client.v1.invoices.retrieve(str(made.latest_invoice)).status == "void"


def test_while_collection_is_paused_invoices_are_void(fake: FakeStripe, stall: Shop) -> None:
    fake.turn(now=_START)
    made = stall.subscribe(stall.customer(), stall.price(1000))
    end = _period(made)[1]
    stall.client.v1.subscriptions.update(made.id, {"pause_collection": {"behavior": "void", "resumes_at": end + 60}})
    fake.turn(now=end)
    found = stall.client.v1.subscriptions.retrieve(made.id, {"expand": ["latest_invoice"]})
    assert isinstance(found.latest_invoice, stripe.Invoice)
    assert (found.status, found.latest_invoice.status) == ("active", "void")
    fake.turn(now=end + 60)
    assert stall.client.v1.subscriptions.retrieve(made.id).pause_collection is None


def test_a_paused_one_resumes_with_a_period_of_its_own(fake: FakeStripe, stall: Shop) -> None:
    fake.turn(now=_START)
    customer = stall.customer(None)
    paused = {"end_behavior": {"missing_payment_method": "pause"}}
    made = stall.subscribe(customer, stall.price(1000), trial_period_days=1, trial_settings=paused)
    fake.turn(now=_START + 5 * _DAY)
    with pytest.raises(stripe.InvalidRequestError):
        stall.client.v1.subscriptions.resume(made.id)
    stall.client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    method = stall.client.v1.payment_methods.list({"customer": customer.id}).data[0]
    stall.client.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})
    resumed = stall.client.v1.subscriptions.resume(made.id)
    assert (resumed.status, _period(resumed)[0]) == ("active", _START + 5 * _DAY)
