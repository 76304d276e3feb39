"""What a subscription is, and how it changes."""

import pytest
import stripe

from config.fake_stripe import FakeStripe
from tests.billing.contract.receiver import Receiver
from tests.billing.contract.shop import Shop


def test_a_paid_one_is_active_and_its_items_carry_the_period(shop: Shop) -> None:
    price = shop.price(1000)
    made = shop.subscribe(shop.customer(), price, expand=["latest_invoice"])
    (item,) = made["items"].data
    assert (made.status, item.price.id, item.quantity) == ("active", price.id, 1)
    assert item.current_period_start == made.billing_cycle_anchor == made.start_date
    assert 28 <= (item.current_period_end - item.current_period_start) / 86400 <= 31
    assert "current_period_end" not in made
    assert isinstance(made.latest_invoice, stripe.Invoice)
    assert (made.latest_invoice.status, made.latest_invoice.amount_paid) == ("paid", 1000)
    assert made.latest_invoice.parent is not None
    assert made.latest_invoice.parent.subscription_details is not None
    assert made.latest_invoice.parent.subscription_details.subscription == made.id


def test_one_whose_card_is_declined_is_incomplete_until_it_is_paid(shop: Shop) -> None:
    customer = shop.customer("pm_card_chargeCustomerFail")
    made = shop.subscribe(customer, shop.price(1000))
    assert made.status == "incomplete"
    with pytest.raises(stripe.CardError) as refused:
        shop.client.v1.invoices.pay(str(made.latest_invoice))
    assert (refused.value.http_status, refused.value.code) == (402, "card_declined")
    shop.client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    method = shop.client.v1.payment_methods.list({"customer": customer.id, "type": "card"}).data[0]
    shop.client.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})
    assert shop.client.v1.invoices.pay(str(made.latest_invoice)).status == "paid"
    assert shop.client.v1.subscriptions.retrieve(made.id).status == "active"


def test_nothing_is_made_where_an_incomplete_one_is_an_error(shop: Shop) -> None:
    customer = shop.customer("pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError):
        shop.subscribe(customer, shop.price(1000), payment_behavior="error_if_incomplete")
    assert shop.client.v1.subscriptions.list({"customer": customer.id, "status": "all"}).data == []


def test_a_trial_costs_nothing_until_it_ends(shop: Shop) -> None:
    made = shop.subscribe(shop.customer(None), shop.price(1000), trial_period_days=14, expand=["latest_invoice"])
    assert (made.status, made.trial_end) == ("trialing", made["items"].data[0].current_period_end)
    assert isinstance(made.latest_invoice, stripe.Invoice)
    assert (made.latest_invoice.status, made.latest_invoice.amount_due) == ("paid", 0)


def test_items_are_added_changed_and_removed(shop: Shop) -> None:
    base, seat, other = shop.price(1000), shop.price(500, name="Seat"), shop.price(3000, name="Enterprise")
    made = shop.subscribe(shop.customer(), base)
    with_seats = shop.client.v1.subscriptions.update(made.id, {"items": [{"price": seat.id, "quantity": 3}]})
    assert {item.price.id: item.quantity for item in with_seats["items"].data} == {base.id: 1, seat.id: 3}
    first = next(item for item in with_seats["items"].data if item.price.id == base.id)
    seats = next(item for item in with_seats["items"].data if item.price.id == seat.id)
    changed = shop.client.v1.subscriptions.update(
        made.id, {"items": [{"id": first.id, "price": other.id}, {"id": seats.id, "deleted": True}]}
    )
    assert [(item.id, item.price.id) for item in changed["items"].data] == [(first.id, other.id)]
    with pytest.raises(stripe.InvalidRequestError):
        shop.client.v1.subscriptions.update(made.id, {"items": [{"id": first.id, "deleted": True}]})


def test_it_ends_with_its_period_or_goes_on_after_all(shop: Shop) -> None:
    made = shop.subscribe(shop.customer(), shop.price(1000))
    ending = shop.client.v1.subscriptions.update(made.id, {"cancel_at_period_end": True})
    assert (ending.status, ending.cancel_at_period_end) == ("active", True)
    assert ending.cancel_at == made["items"].data[0].current_period_end
    goes_on = shop.client.v1.subscriptions.update(made.id, {"cancel_at_period_end": False})
    assert (goes_on.cancel_at_period_end, goes_on.cancel_at, goes_on.canceled_at) == (False, None, None)


def test_one_that_is_cancelled_is_over_and_only_listed_when_asked_for(shop: Shop) -> None:
    customer = shop.customer()
    made = shop.subscribe(customer, shop.price(1000))
    over = shop.client.v1.subscriptions.cancel(made.id)
    assert (over.status, over.ended_at is not None) == ("canceled", True)
    assert shop.client.v1.subscriptions.list({"customer": customer.id}).data == []
    (listed,) = shop.client.v1.subscriptions.list({"customer": customer.id, "status": "all"}).data
    assert listed.id == made.id
    with pytest.raises(stripe.InvalidRequestError):
        shop.client.v1.subscriptions.update(made.id, {"cancel_at_period_end": False})
    with pytest.raises(stripe.InvalidRequestError):
        shop.client.v1.subscriptions.cancel(made.id)


def test_an_upgrade_that_must_be_paid_changes_nothing_where_it_is_not(shop: Shop) -> None:
    customer = shop.customer()
    made = shop.subscribe(customer, shop.price(1000))
    shop.client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    bad = shop.client.v1.payment_methods.list({"customer": customer.id, "type": "card"}).data[0]
    shop.client.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": bad.id}})
    with pytest.raises(stripe.CardError):
        shop.client.v1.subscriptions.update(
            made.id,
            {
                "items": [{"id": made["items"].data[0].id, "price": shop.price(5000).id}],
                "payment_behavior": "error_if_incomplete",
                "proration_behavior": "always_invoice",
                "metadata": {"plan": "large"},
            },
        )
    found = shop.client.v1.subscriptions.retrieve(made.id)
    assert (found.status, found["items"].data[0].price.unit_amount) == ("active", 1000)
    assert (found.metadata.to_dict(), found.latest_invoice) == ({}, made.latest_invoice)


def test_an_upgrade_that_is_not_paid_waits_and_then_takes_effect(shop: Shop) -> None:
    customer = shop.customer()
    small, large = shop.price(1000), shop.price(5000)
    made = shop.subscribe(customer, small)
    shop.client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    bad = shop.client.v1.payment_methods.list({"customer": customer.id, "type": "card"}).data[0]
    shop.client.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": bad.id}})
    waiting = shop.client.v1.subscriptions.update(
        made.id,
        {
            "items": [{"id": made["items"].data[0].id, "price": large.id}],
            "payment_behavior": "pending_if_incomplete",
            "proration_behavior": "always_invoice",
        },
    )
    assert waiting.pending_update is not None
    assert (waiting.status, waiting["items"].data[0].price.id) == ("active", small.id)
    good = next(one for one in shop.client.v1.payment_methods.list({"customer": customer.id}) if one.id != bad.id)
    shop.client.v1.invoices.pay(str(waiting.latest_invoice), {"payment_method": good.id})
    changed = shop.client.v1.subscriptions.retrieve(made.id)
    assert (changed.pending_update, changed["items"].data[0].price.id) == (None, large.id)


def test_what_changes_is_told_with_what_was_before(fake: FakeStripe, stall: Shop, receiver: Receiver) -> None:
    made = stall.subscribe(stall.customer(), stall.price(1000))
    stall.client.v1.subscriptions.update(made.id, {"cancel_at_period_end": True})
    stall.client.v1.subscriptions.cancel(made.id)
    assert fake.settle()
    told = [event for event in receiver.events if event.type.startswith("customer.subscription")]
    assert [event.type.rpartition(".")[2] for event in told] == ["created", "updated", "deleted"]
    assert told[1].data.previous_attributes is not None
    assert told[1].data.previous_attributes.to_dict()["cancel_at_period_end"] is False
    assert told[2].data.object["status"] == "canceled"
