"""Doors of billing: whose account is whose, what a price pays for, what could not be settled, each gone through once."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from audit.api import Kind
from billing import api as billing
from billing.gateway_checkout import Till
from billing.state import Item, State, StripeSubscription
from isolation import clock
from licensing import api as licensing
from tests.audit.told import Told
from tests.authlevels.acme import NOON, Acme
from tests.billing.account import open_shop


def _linked(acme: Acme) -> None:
    billing.link_customer(tenant_id=acme.tenant_id, stripe_id="cus_1", by="account:olga", at=NOON)


def _price_mapped(_acme: Acme) -> None:
    with licensing.edit_catalogue(by="account:olga", at=NOON) as edit:
        edit.put_plan(licensing.PlanSpec(key="gold", title="Gold", rank=1, terms=()))
    (gold,) = licensing.list_priced_versions()
    billing.map_price(price="price_1", plan_version=gold.id, by="account:olga", at=NOON)


class _UnknownPrice:
    """A Stripe where Acme pays for something that nobody has named here."""

    def subscriptions_of(self, customer: str) -> State:
        item = Item(id="si_1", price="price_1", product=customer, quantity=1, period_start=None, period_end=None)
        return (StripeSubscription(id="sub_1", status="active", created=NOON, items=(item,)),)


def _held(acme: Acme) -> None:
    _linked(acme)
    billing.sync_tenant(tenant_id=acme.tenant_id, gateway=_UnknownPrice(), clock=lambda: NOON)


def _tried_again(acme: Acme) -> None:
    _held(acme)
    billing.replay(ref="cus_1", by="account:olga", at=NOON)


@contextmanager
def _selling(acme: Acme, *, is_paid: bool = True) -> Iterator[dict[str, Any]]:
    """Sell gold, and silver for less; Acme pays for gold. Gives what every journey takes."""
    price = licensing.Price(amount=1000, currency="eur", interval="month")
    with licensing.edit_catalogue(by="account:olga", at=NOON) as edit:
        edit.put_plan(licensing.PlanSpec(key="gold", title="Gold", rank=2, price=price, terms=()))
        edit.put_plan(licensing.PlanSpec(key="silver", title="Silver", rank=1, price=price, terms=()))
    versions = {one.plan: one.id for one in licensing.list_priced_versions()}
    with open_shop() as shop:
        for plan, priced in (("gold", "business"), ("silver", "starter")):
            billing.map_price(price=shop.prices[priced], plan_version=versions[plan], by="account:olga", at=NOON)
        customer = shop.customer("Acme")
        billing.link_customer(tenant_id=acme.tenant_id, stripe_id=customer, by="account:olga", at=NOON)
        if is_paid:
            shop.subscribe(customer, "business")
        yield {"tenant_id": acme.tenant_id, "by": "account:olga", "clock": lambda: NOON, "till": Till(shop.gateway)}


def _begun(acme: Acme) -> None:
    with _selling(acme, is_paid=False) as journey:
        # Stripe minds when a checkout ends, by its own clock.
        billing.begin_checkout(plan="gold", key="k", **(journey | {"clock": clock.now}))


def _begun_anew(acme: Acme) -> None:
    with _selling(acme, is_paid=False) as journey:
        held = billing.get_customer(tenant_id=acme.tenant_id).stripe_id
        journey["till"].gateway.client.v1.customers.delete(held)
        billing.begin_checkout(plan="gold", key="k", **(journey | {"clock": clock.now}))


def _closed(acme: Acme) -> None:
    with _selling(acme) as journey:
        tenant = licensing.get_tenant(acme.tenant_id)
        licensing.put_tenant(slug=tenant.slug, name=tenant.name, status="closed", by="account:olga", at=NOON)
        billing.sync_tenant(tenant_id=acme.tenant_id, gateway=journey["till"], clock=lambda: NOON)


def _tried(acme: Acme) -> None:
    with licensing.edit_catalogue(by="account:olga", at=NOON) as edit:
        edit.put_plan(licensing.PlanSpec(key="tryable", trial_days=7))
    billing.begin_trial(tenant_id=acme.tenant_id, plan="tryable", key="k", by="account:olga", clock=lambda: NOON)


def _portal(acme: Acme) -> None:
    with _selling(acme) as journey:
        billing.open_portal(**journey)


def _ordered(acme: Acme) -> None:
    with _selling(acme) as journey:
        quote = billing.quote_change(plan="silver", **journey)
        billing.apply_quote(quote_id=quote.id, key="k", **journey)


def _refused(acme: Acme) -> None:
    with _selling(acme) as journey:
        quote = billing.quote_change(plan="silver", **journey)
        billing.cancel(**journey)
        with suppress(billing.QuoteStale):
            billing.apply_quote(quote_id=quote.id, key="k", **journey)


def _resumed(acme: Acme) -> None:
    with _selling(acme) as journey:
        billing.cancel(**journey)
        billing.resume(**journey)


TOLD: Told = {
    "link_customer": (_linked, {Kind.BILLING_LINKED}),
    "map_price": (_price_mapped, {Kind.BILLING_PRICE_MAPPED}),
    "sync_tenant": (_held, {Kind.BILLING_HELD}),
    "replay": (_tried_again, {Kind.BILLING_REPLAYED}),
    "begin_checkout, deleted": (_begun_anew, {Kind.BILLING_UNLINKED}),
    "sync_tenant, closed": (_closed, {Kind.BILLING_CANCEL_ORDERED}),
    "begin_checkout": (_begun, {Kind.BILLING_CHECKOUT_BEGUN}),
    "begin_trial": (_tried, {Kind.SUBSCRIPTION_CHANGED}),
    "open_portal": (_portal, {Kind.BILLING_PORTAL_OPENED}),
    "apply_quote": (_ordered, {Kind.BILLING_CHANGE_ORDERED}),
    "apply_quote, refused": (_refused, {Kind.BILLING_CHANGE_REFUSED}),
    "cancel": (_refused, {Kind.BILLING_CANCEL_ORDERED}),
    "resume": (_resumed, {Kind.BILLING_RESUME_ORDERED}),
}
