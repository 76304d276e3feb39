"""A small shop in Stripe: what contract tests buy, and who buys it."""

from dataclasses import dataclass
from typing import Any

import stripe


@dataclass(frozen=True)
class Shop:
    """A client, and what it made: two monthly prices and a yearly one of two products, and a seat."""

    client: stripe.StripeClient

    def price(self, amount: int, *, interval: str = "month", name: str = "Business", **more: Any) -> stripe.Price:
        """Make a product with one price, in cents."""
        product = self.client.v1.products.create({"name": name})
        told: Any = {"product": product.id, "currency": "usd", "unit_amount": amount, **more}
        told["recurring"] = {"interval": interval}
        return self.client.v1.prices.create(told)

    def customer(self, card: str | None = "pm_card_visa", **more: Any) -> stripe.Customer:
        """Make a customer whose default card it is."""
        told: Any = {"email": "ada@acme.example", "metadata": {"tenant": "acme"}, **more}
        if card is not None:
            told |= {"payment_method": card}
        customer = self.client.v1.customers.create(told)
        if card is None:
            return customer
        method = self.client.v1.payment_methods.list({"customer": customer.id, "type": "card"}).data[0]
        return self.client.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})

    def subscribe(self, customer: stripe.Customer, *prices: stripe.Price, **more: Any) -> stripe.Subscription:
        """Subscribe a customer to prices."""
        told: Any = {"customer": customer.id, "items": [{"price": price.id} for price in prices], **more}
        return self.client.v1.subscriptions.create(told)
