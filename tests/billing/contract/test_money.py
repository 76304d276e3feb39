"""What a change costs: the preview and the charge are one sum."""

from typing import Any

import pytest
import stripe

from tests.billing.contract.shop import Shop


def _upgrade(shop: Shop) -> tuple[stripe.Subscription, stripe.Price, int]:
    made = shop.subscribe(shop.customer(), shop.price(1000))
    (item,) = made["items"].data
    middle = item.current_period_start + (item.current_period_end - item.current_period_start) // 2
    return made, shop.price(3000), middle


def test_what_was_previewed_is_what_is_charged(shop: Shop) -> None:
    made, larger, middle = _upgrade(shop)
    row: Any = {"id": made["items"].data[0].id, "price": larger.id}
    preview = shop.client.v1.invoices.create_preview(
        {
            "subscription": made.id,
            "subscription_details": {
                "items": [row],
                "proration_behavior": "always_invoice",
                "proration_date": middle,
            },
        }
    )
    assert sorted(line.amount for line in preview.lines.data) == [-500, 1500]
    assert all(_is_proration(line) for line in preview.lines.data)
    assert (preview.amount_due, preview.status) == (1000, "draft")
    changed = shop.client.v1.subscriptions.update(
        made.id,
        {
            "items": [row],
            "proration_behavior": "always_invoice",
            "proration_date": middle,
            "expand": ["latest_invoice"],
        },
    )
    assert isinstance(changed.latest_invoice, stripe.Invoice)
    assert (changed.latest_invoice.amount_paid, changed.latest_invoice.billing_reason) == (1000, "subscription_update")
    details = changed.latest_invoice.parent
    assert details is not None
    assert details.subscription_details is not None
    assert details.subscription_details.subscription_proration_date == middle


def _is_proration(line: stripe.InvoiceLineItem) -> bool:
    assert line.parent is not None
    assert line.parent.subscription_item_details is not None
    return line.parent.subscription_item_details.proration


def test_a_preview_changes_nothing(shop: Shop) -> None:
    made, larger, _middle = _upgrade(shop)
    shop.client.v1.invoices.create_preview(
        {
            "subscription": made.id,
            "subscription_details": {"items": [{"id": made["items"].data[0].id, "price": larger.id}]},
        }
    )
    found = shop.client.v1.subscriptions.retrieve(made.id)
    assert found["items"].data[0].price.unit_amount == 1000
    assert [one.id for one in shop.client.v1.invoices.list({"subscription": made.id})] == [made.latest_invoice]


def test_prorations_that_are_not_invoiced_wait_for_the_next_invoice(shop: Shop) -> None:
    made, larger, middle = _upgrade(shop)
    shop.client.v1.subscriptions.update(
        made.id, {"items": [{"id": made["items"].data[0].id, "price": larger.id}], "proration_date": middle}
    )
    upcoming = shop.client.v1.invoices.create_preview({"subscription": made.id})
    assert sorted(line.amount for line in upcoming.lines.data) == [-500, 1500, 3000]
    assert upcoming.amount_due == 4000


def test_without_prorations_the_new_price_begins_with_the_next_period(shop: Shop) -> None:
    made, larger, _middle = _upgrade(shop)
    row: Any = {"id": made["items"].data[0].id, "price": larger.id}
    shop.client.v1.subscriptions.update(made.id, {"items": [row], "proration_behavior": "none"})
    upcoming = shop.client.v1.invoices.create_preview({"subscription": made.id})
    assert [line.amount for line in upcoming.lines.data] == [3000]


def test_what_is_given_back_is_credited_to_the_customer(shop: Shop) -> None:
    customer = shop.customer()
    made = shop.subscribe(customer, shop.price(3000))
    (item,) = made["items"].data
    middle = (item.current_period_start + item.current_period_end) // 2
    changed = shop.client.v1.subscriptions.update(
        made.id,
        {
            "items": [{"id": item.id, "price": shop.price(1000).id}],
            "proration_behavior": "always_invoice",
            "proration_date": middle,
            "expand": ["latest_invoice"],
        },
    )
    assert isinstance(changed.latest_invoice, stripe.Invoice)
    assert (changed.latest_invoice.total, changed.latest_invoice.amount_due) == (-1000, 0)
    assert shop.client.v1.customers.retrieve(customer.id).balance == -1000


def test_a_yearly_price_begins_a_period_of_its_own_and_is_charged_at_once(shop: Shop) -> None:
    made, _larger, _middle = _upgrade(shop)
    (item,) = made["items"].data
    changed = shop.client.v1.subscriptions.update(
        made.id,
        {"items": [{"id": item.id, "price": shop.price(9000, interval="year").id}], "expand": ["latest_invoice"]},
    )
    span = changed["items"].data[0].current_period_end - changed["items"].data[0].current_period_start
    assert span >= 365 * 86400
    assert isinstance(changed.latest_invoice, stripe.Invoice)
    assert changed.latest_invoice.amount_paid == pytest.approx(8000, abs=2)


def test_a_preview_of_a_new_subscription_needs_none(shop: Shop) -> None:
    customer = shop.customer(None)
    preview = shop.client.v1.invoices.create_preview(
        {
            "customer": customer.id,
            "subscription_details": {"items": [{"price": shop.price(1000).id}, {"price": shop.price(250).id}]},
        }
    )
    assert preview.amount_due == 1250
    assert shop.client.v1.subscriptions.list({"customer": customer.id}).data == []
