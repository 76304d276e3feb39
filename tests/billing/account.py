"""An account at a Stripe of our own, as the official library sees it, with prices for Starter, Business and more seats."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from stripe import StripeClient

from billing import api as billing
from billing.gateway import StripeGateway
from billing.prices import map_price
from config.billing import StripeSettings
from config.fake_stripe import FakeStripe
from licensing import api as licensing


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """The account, with what is sold there. prices: plan or add-on -> price. client: who acts there."""

    stripe: FakeStripe
    gateway: StripeGateway
    prices: dict[str, str]
    client: StripeClient

    @property
    def v1(self) -> Any:
        return self.client.v1

    @property
    def settings(self) -> StripeSettings:
        return StripeSettings(key=self.stripe.key, secrets=self.stripe.webhook_secrets, api_base=self.stripe.url)

    def customer(
        self, name: str, *, tenant_id: UUID | None = None, card: str = "pm_card_visa", clock: str | None = None
    ) -> str:
        """Make an account with a card. clock: the test clock by which it lives."""
        metadata = {} if tenant_id is None else {"tiergate.tenant": str(tenant_id)}
        made = self.v1.customers.create(
            {"name": name, "metadata": metadata, **({"test_clock": clock} if clock else {})}
        )
        paid_by = self.v1.payment_methods.attach(card, {"customer": made.id})
        self.v1.customers.update(made.id, {"invoice_settings": {"default_payment_method": paid_by.id}})
        return str(made.id)

    def subscribe(self, customer: str, *plans: str, **more: Any) -> Any:
        """Begin a subscription."""
        items = [{"price": self.prices[one]} for one in plans]
        return self.v1.subscriptions.create({"customer": customer, "items": items, **more})

    def move(self, subscription: Any, *plans: str) -> Any:
        """Have a subscription be of these plans and add-ons, and of no other."""
        held = {one["price"]["id"]: one["id"] for one in subscription.to_dict()["items"]["data"]}
        wanted = {self.prices[one] for one in plans}
        items: list[dict[str, Any]] = [
            {"id": item, "deleted": True} for price, item in held.items() if price not in wanted
        ]
        items += [{"price": price} for price in sorted(wanted - held.keys())]
        return self.v1.subscriptions.update(subscription.id, {"items": items}) if items else subscription


@contextmanager
def open_shop(**knobs: Any) -> Iterator[Shop]:
    """Open an account that sells Starter and Business by the month, and more seats."""
    with FakeStripe(**knobs) as fake:
        gateway = StripeGateway(key=fake.key, api_base=fake.url)
        prices = {}
        for number, plan in enumerate(("starter", "business", "more-seats"), start=1):
            product = gateway.client.v1.products.create({"name": plan.title()})
            price = gateway.client.v1.prices.create(
                {
                    "product": product.id,
                    "currency": "eur",
                    "unit_amount": 1000 * number,
                    "recurring": {"interval": "month"},
                }
            )
            prices[plan] = str(price.id)
        yield Shop(stripe=fake, gateway=gateway, prices=prices, client=gateway.client)


def sell(shop: Shop, *, at: datetime) -> None:
    """Say here what the account's prices pay for."""
    versions = {one.plan: one.id for one in licensing.list_priced_versions()}
    for plan, price in shop.prices.items():
        map_price(price=price, plan_version=versions[plan], by="test", at=at)


def link(shop: Shop, slug: str, *, at: datetime, card: str = "pm_card_visa") -> tuple[UUID, str]:
    """Make a tenant with an account at Stripe."""
    tenant = licensing.put_tenant(slug=slug, name=slug.title(), by="test", at=at)[0].id
    customer = shop.customer(slug, tenant_id=tenant, card=card)
    billing.link_customer(tenant_id=tenant, stripe_id=customer, by="test", at=at)
    return tenant, customer
