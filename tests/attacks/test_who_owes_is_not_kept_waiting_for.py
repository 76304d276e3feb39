"""Whoever does not pay has the days of grace once, whatever else is written, bought or paid meanwhile."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from billing import api as billing
from isolation.clock import now
from licensing import api as licensing
from tests import rows
from tests.billing.account import Shop, link, open_shop, sell
from tests.billing.conftest import NOON, fill_catalogue

pytestmark = pytest.mark.django_db
BY = "user:olga"


@pytest.fixture(scope="module")
def opened() -> Iterator[Shop]:
    with open_shop() as shop:
        shop.stripe.turn(after_retries="past_due")
        yield shop


@pytest.fixture
def shop(opened: Shop, db: None, worlds: rows.Worlds, settings: Any) -> Shop:
    def make() -> None:
        fill_catalogue(is_mapped=False)
        sell(opened, at=NOON)

    worlds.put_back("owing", make)
    settings.STRIPE = opened.settings
    return opened


class Debtor:
    """A tenant on Business whose card fails from the first renewal on."""

    def __init__(self, shop: Shop, slug: str) -> None:
        self.shop = shop
        self.today = now()
        self.clock = shop.v1.test_helpers.test_clocks.create({"frozen_time": int(self.today.timestamp())}).id
        self.tenant: UUID = licensing.put_tenant(slug=slug, name=slug, by="test", at=NOON)[0].id
        self.customer = str(shop.v1.customers.create({"name": slug, "test_clock": self.clock}).id)
        self.pay_by("pm_card_visa")
        billing.link_customer(tenant_id=self.tenant, stripe_id=self.customer, by="test", at=NOON)
        self.subscription = str(shop.subscribe(self.customer, "business").id)
        self.pay_by("pm_card_chargeCustomerFail")

    def pay_by(self, card: str) -> None:
        method = self.shop.v1.payment_methods.attach(card, {"customer": self.customer})
        self.shop.v1.customers.update(self.customer, {"invoice_settings": {"default_payment_method": method.id}})

    def wait(self, **span: float) -> None:
        self.today += timedelta(**span)
        asked = {"frozen_time": int(self.today.timestamp())}
        self.shop.v1.test_helpers.test_clocks.advance(self.clock, asked)

    def sync(self, *, at: datetime | None = None) -> licensing.Subscription:
        at = at or now()
        billing.sync_tenant(tenant_id=self.tenant, gateway=self.shop.gateway, clock=lambda: at)
        return licensing.get_subscription(tenant_id=self.tenant, at=at)


def test_grace_is_had_once_and_not_with_each_unpaid_invoice_anew(shop: Shop) -> None:
    debtor = Debtor(shop, "month-by-month")
    debtor.wait(days=32)
    first = debtor.sync()
    assert first.status == "past_due"
    debtor.wait(days=31, hours=2)
    second = debtor.sync()
    debtor.wait(days=31, minutes=10)
    drafted = debtor.sync()
    assert [second.grace_until, drafted.grace_until] == [first.grace_until] * 2


def test_who_owes_a_month_does_not_settle_it_by_buying_something_small(shop: Shop) -> None:
    debtor = Debtor(shop, "small-change")
    debtor.wait(days=32)
    assert debtor.sync().status == "past_due"
    debtor.pay_by("pm_card_visa")
    with pytest.raises(billing.CannotChange, match="not paid"):
        billing.quote_change(tenant_id=debtor.tenant, add_ons=["more-seats"], by=BY, clock=lambda: debtor.today)
    less = billing.quote_change(tenant_id=debtor.tenant, plan="starter", by=BY, clock=lambda: debtor.today)
    assert less.when == "period_end", "who wants less may have it"


def test_a_trial_of_the_small_plan_is_none_of_the_great_one(shop: Shop) -> None:
    tenant, customer = link(shop, "tries-low", at=NOON)
    held = shop.subscribe(customer, "starter", trial_period_days=14)
    with pytest.raises(billing.CannotChange, match="paid for"):
        billing.quote_change(tenant_id=tenant, plan="business", when="now", by=BY, clock=now)
    quote = billing.quote_change(tenant_id=tenant, plan="business", by=BY, clock=now)
    assert (quote.when, quote.cost["amount_due"]) == ("period_end", 2000)
    assert quote.effective_at == datetime.fromtimestamp(held.trial_end, tz=UTC)


def test_an_add_on_that_is_paid_for_apart_has_its_own_grace(shop: Shop) -> None:
    debtor = Debtor(shop, "apart")
    debtor.pay_by("pm_card_visa")
    seats = shop.subscribe(debtor.customer, "more-seats")
    failing = shop.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": debtor.customer})
    shop.v1.subscriptions.update(seats.id, {"default_payment_method": failing.id})
    debtor.wait(days=32)
    had = [[key for key, _ in debtor.sync(at=debtor.today + timedelta(days=days)).add_ons] for days in (0, 8)]
    assert had == [["more-seats"], []]
