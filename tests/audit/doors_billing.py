"""Doors of billing: whose account is whose, what a price pays for, what could not be settled, each gone through once."""

from audit.api import Kind
from billing import api as billing
from billing.state import Item, State, StripeSubscription
from licensing import api as licensing
from tests.audit.told import Told
from tests.authlevels.acme import NOON, Acme


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


TOLD: Told = {
    "link_customer": (_linked, {Kind.BILLING_LINKED}),
    "map_price": (_price_mapped, {Kind.BILLING_PRICE_MAPPED}),
    "sync_tenant": (_held, {Kind.BILLING_HELD}),
}
