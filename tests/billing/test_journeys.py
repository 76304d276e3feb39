"""A person buys, changes at the price that was shown, ends and goes on: with a Stripe of our own at the other end."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from audit import api as audit
from billing import api as billing
from billing.returning import arrive
from isolation.api import tenant_transaction
from isolation.clock import now
from licensing import api as licensing
from tests import rows
from tests.billing.account import Shop, link, open_shop, sell
from tests.billing.conftest import NOON, fill_catalogue, plan_of

BY = "user:olga"


@pytest.fixture(scope="module")
def opened() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


@pytest.fixture
def shop(
    opened: Shop, db: None, made_worlds: dict[str, tuple[Any, str]], superuser: psycopg.Connection, settings: Any
) -> Shop:
    if "journeys" not in made_worlds:
        fill_catalogue(is_mapped=False)
        sell(opened, at=NOON)
        made_worlds["journeys"] = None, rows.keep_rows(superuser, "journeys_rows")
    superuser.execute(made_worlds["journeys"][1].encode())
    settings.STRIPE = opened.settings
    return opened


def subscribed(shop: Shop, slug: str, *plans: str, card: str = "pm_card_visa") -> tuple[UUID, str]:
    tenant, customer = link(shop, slug, at=NOON, card=card)
    held = shop.subscribe(customer, *plans)
    billing.sync_tenant(tenant_id=tenant, gateway=shop.gateway, clock=now)
    return tenant, str(held.id)


def apply(tenant: UUID, quote: billing.QuoteView, key: str = "k") -> billing.Changed:
    return billing.apply_quote(tenant_id=tenant, quote_id=quote.id, key=key, by=BY, clock=now)


def quoted(tenant: UUID, **asked: Any) -> billing.QuoteView:
    return billing.quote_change(tenant_id=tenant, **asked, by=BY, clock=now)


def kinds_of(tenant: UUID) -> list[str]:
    with tenant_transaction(tenant):
        return [str(one.kind) for one in audit.list_entries(tenant_id=tenant)]


def total_of(shop: Shop, subscription: str) -> list[int]:
    return [one.total for one in shop.v1.invoices.list({"subscription": subscription}).data]


def test_who_pays_in_a_checkout_has_the_plan_when_they_come_back(shop: Shop) -> None:
    tenant = licensing.put_tenant(slug="newcomer", name="Newcomer", by="test", at=NOON)[0].id
    opened = billing.begin_checkout(
        tenant_id=tenant, plan="business", add_ons=["more-seats"], key="a", by=BY, clock=now
    )
    again = billing.begin_checkout(tenant_id=tenant, plan="business", add_ons=["more-seats"], key="a", by=BY, clock=now)
    assert again == opened
    session = opened.url.rsplit("/", 1)[1]
    shop.stripe.pay(session)
    assert arrive(session=session, clock=now) == "settled"
    assert plan_of(tenant, now()) == ("business", "active")
    with pytest.raises(billing.AlreadySubscribed):
        billing.begin_checkout(tenant_id=tenant, plan="starter", key="b", by=BY, clock=now)


def test_a_second_checkout_closes_the_first_so_that_nobody_pays_twice(shop: Shop) -> None:
    tenant = licensing.put_tenant(slug="undecided", name="Undecided", by="test", at=NOON)[0].id
    first = billing.begin_checkout(tenant_id=tenant, plan="starter", key="a", by=BY, clock=now)
    second = billing.begin_checkout(tenant_id=tenant, plan="business", key="b", by=BY, clock=now)
    status = {one: shop.v1.checkout.sessions.retrieve(one.url.rsplit("/", 1)[1]).status for one in (second,)}
    assert status[second] == "open"
    session = shop.v1.checkout.sessions.list({"status": "expired"}).data[0]
    assert first.url.endswith(session.id)
    with pytest.raises(billing.CheckoutClosed):
        billing.begin_checkout(tenant_id=tenant, plan="starter", key="a", by=BY, clock=now)
    with pytest.raises(billing.BillingKeyReused):
        billing.begin_checkout(tenant_id=tenant, plan="starter", key="b", by=BY, clock=now)


def test_a_change_costs_what_was_shown_and_is_made_once(shop: Shop) -> None:
    tenant, subscription = subscribed(shop, "riser", "starter")
    quote = quoted(tenant, plan="business")
    assert (quote.when, quote.versions) == ("now", (("plan", "business", 1),))
    made = apply(tenant, quote)
    assert made.charged == quote.cost["amount_due"] == total_of(shop, subscription)[0]
    assert (made.is_settled, plan_of(tenant, now())) == (True, ("business", "active"))
    assert apply(tenant, quote) == made
    assert len(total_of(shop, subscription)) == 2
    with pytest.raises(billing.QuoteUsed):
        apply(tenant, quote, key="another")
    assert kinds_of(tenant).count("billing.change_ordered") == 1


def test_less_comes_with_the_end_of_the_period_and_can_be_taken_back(shop: Shop) -> None:
    tenant, subscription = subscribed(shop, "shrinker", "business")
    quote = quoted(tenant, plan="starter")
    assert quote.when == "period_end"
    made = apply(tenant, quote)
    assert (made.charged, made.effective_at) == (None, quote.effective_at)
    assert plan_of(tenant, now()) == ("business", "active"), "what is paid for is had until then"
    state = billing.billing_state(tenant_id=tenant)
    assert state is not None
    assert (state.upcoming, state.upcoming_at) == ((("plan", "starter", 1),), quote.effective_at)
    with pytest.raises(billing.CannotChange):
        quoted(tenant, add_ons=["more-seats"], when="now")
    billing.resume(tenant_id=tenant, by=BY, clock=now)
    assert shop.v1.subscriptions.retrieve(subscription).schedule is None
    with pytest.raises(billing.NothingToChange):
        billing.resume(tenant_id=tenant, by=BY, clock=now)


def test_an_end_is_announced_and_taken_back(shop: Shop) -> None:
    tenant, _ = subscribed(shop, "leaver", "business")
    ended = billing.cancel(tenant_id=tenant, by=BY, clock=now)
    found = licensing.get_subscription(tenant_id=tenant, at=now())
    assert found.cancel_at == ended.effective_at is not None
    assert billing.cancel(tenant_id=tenant, by=BY, clock=now).effective_at == ended.effective_at
    billing.resume(tenant_id=tenant, by=BY, clock=now)
    assert licensing.get_subscription(tenant_id=tenant, at=now()).cancel_at is None
    assert kinds_of(tenant).count("billing.cancel_ordered") == 1


def test_a_quote_of_another_state_or_of_too_long_ago_changes_nothing(shop: Shop) -> None:
    tenant, subscription = subscribed(shop, "hesitant", "starter")
    stale, old = quoted(tenant, plan="business"), quoted(tenant, plan="business")
    shop.move(shop.v1.subscriptions.retrieve(subscription), "starter", "more-seats")
    with pytest.raises(billing.QuoteStale):
        apply(tenant, stale)
    later = now() + timedelta(minutes=16)
    with pytest.raises(billing.QuoteStale):
        billing.apply_quote(tenant_id=tenant, quote_id=old.id, key="k", by=BY, clock=lambda: later)
    with pytest.raises(billing.QuoteUsed):
        apply(tenant, stale)
    with pytest.raises(billing.QuoteNotFound):
        billing.apply_quote(tenant_id=tenant, quote_id=uuid4(), key="k", by=BY, clock=now)
    assert kinds_of(tenant).count("billing.change_refused") == 1


def test_a_quote_of_another_tenant_is_none(shop: Shop) -> None:
    tenant, _ = subscribed(shop, "owner", "starter")
    other, _ = subscribed(shop, "stranger", "starter")
    with pytest.raises(billing.QuoteNotFound):
        apply(other, quoted(tenant, plan="business"))


def test_a_declined_card_changes_nothing(shop: Shop) -> None:
    tenant, subscription = subscribed(shop, "broke", "starter")
    customer = billing.get_customer(tenant_id=tenant).stripe_id
    bad = shop.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer})
    shop.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": bad.id}})
    with pytest.raises(billing.PaymentDeclined):
        apply(tenant, quoted(tenant, plan="business"))
    assert plan_of(tenant, now()) == ("starter", "active")
    assert len(total_of(shop, subscription)) == 1


def test_what_is_held_already_or_not_sold_is_no_change(shop: Shop) -> None:
    tenant, _ = subscribed(shop, "settled", "business")
    with pytest.raises(billing.NothingToChange):
        quoted(tenant, plan="business")
    with pytest.raises(billing.NotForSale):
        quoted(tenant, plan="of-old")
    nobody = licensing.put_tenant(slug="nobody", name="Nobody", by="test", at=NOON)[0].id
    with pytest.raises(billing.NotSubscribed):
        quoted(nobody, plan="business")


def test_invoices_are_ones_own(shop: Shop) -> None:
    tenant, _ = subscribed(shop, "payer", "starter")
    other, _ = subscribed(shop, "other-payer", "business")
    (own,) = billing.list_invoices(tenant_id=tenant, limit=10)
    assert (own.total, own.paid, own.currency, own.status) == (1000, 1000, "eur", "paid")
    (others,) = billing.list_invoices(tenant_id=other, limit=10)
    assert others.id != own.id
