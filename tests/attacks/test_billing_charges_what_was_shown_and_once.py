"""Whoever presses twice, in two tabs or through a broken line, is charged once, and what they were shown."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connections

from billing import api as billing
from billing.gateway_checkout import Till
from isolation.clock import now
from licensing import api as licensing
from tests.billing.account import Shop, link, open_shop, sell
from tests.billing.conftest import NOON, fill_catalogue
from tiergate import TiergateError

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(db: None, settings: Any) -> Iterator[Shop]:
    fill_catalogue(is_mapped=False)
    with open_shop() as opened:
        settings.STRIPE = opened.settings
        sell(opened, at=NOON)
        yield opened


def together(*asks: Callable[[], object]) -> list[object]:
    """Ask at once, from a connection each, and list what came of it: an answer or a code."""

    def told(ask: Callable[[], object]) -> object:
        try:
            return ask()
        except TiergateError as refused:
            return refused.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(asks)) as pool:
        return list(pool.map(told, asks))


def invoices(tenant: UUID) -> list[int]:
    return [one.total for one in billing.list_invoices(tenant_id=tenant, limit=20)]


def test_a_quote_that_is_used_in_six_tabs_at_once_is_charged_once(shop: Shop) -> None:
    tenant, customer = link(shop, "acme", at=NOON)
    shop.subscribe(customer, "starter")
    quote = billing.quote_change(tenant_id=tenant, plan="business", by="user:a", clock=now)

    def use(key: str) -> Callable[[], object]:
        return lambda: billing.apply_quote(tenant_id=tenant, quote_id=quote.id, key=key, by="user:a", clock=now)

    told = together(*(use(f"tab {number}") for number in range(6)))
    charged = [one.charged for one in told if isinstance(one, billing.Changed)]
    assert charged == [quote.cost["amount_due"]]
    assert [one for one in told if isinstance(one, str)] == ["quote_used"] * 5
    assert len(invoices(tenant)) == 2


def test_two_quotes_used_one_after_the_other_charge_for_one_change(shop: Shop) -> None:
    tenant, customer = link(shop, "acme", at=NOON)
    shop.subscribe(customer, "starter")
    quotes = [billing.quote_change(tenant_id=tenant, plan="business", by="user:a", clock=now) for _ in range(2)]
    billing.apply_quote(tenant_id=tenant, quote_id=quotes[0].id, key="a", by="user:a", clock=now)
    with pytest.raises(billing.QuoteStale):
        billing.apply_quote(tenant_id=tenant, quote_id=quotes[1].id, key="b", by="user:a", clock=now)
    assert len(invoices(tenant)) == 2


def test_of_checkouts_that_are_opened_at_once_one_can_be_paid(shop: Shop) -> None:
    tenant = licensing.put_tenant(slug="acme", name="Acme", by="test", at=NOON)[0].id

    def begin(key: str) -> Callable[[], object]:
        return lambda: billing.begin_checkout(tenant_id=tenant, plan="starter", key=key, by="user:a", clock=now)

    together(*(begin(str(number)) for number in range(4)))
    is_open = [one.id for one in shop.v1.checkout.sessions.list({"status": "open"}).data]
    assert len(is_open) == 1
    assert len(shop.v1.customers.list().data) == 1, "and one account was made"
    shop.stripe.pay(is_open[0])
    with pytest.raises(billing.AlreadySubscribed):
        begin("late")()


def test_what_was_shown_is_charged_however_much_later_it_is_by_stripes_clock(shop: Shop) -> None:
    clock = shop.v1.test_helpers.test_clocks.create({"frozen_time": int(now().timestamp())}).id
    tenant = licensing.put_tenant(slug="slow-to-say-yes", name="Slow", by="test", at=NOON)[0].id
    customer = shop.customer("Slow", tenant_id=tenant, clock=clock)
    billing.link_customer(tenant_id=tenant, stripe_id=customer, by="test", at=NOON)
    shop.subscribe(customer, "starter")
    quote = billing.quote_change(tenant_id=tenant, plan="business", by="user:a", clock=now)
    shop.v1.test_helpers.test_clocks.advance(clock, {"frozen_time": int((now() + timedelta(days=9)).timestamp())})
    made = billing.apply_quote(tenant_id=tenant, quote_id=quote.id, key="k", by="user:a", clock=now)
    assert made.charged == quote.cost["amount_due"] == invoices(tenant)[0]


def test_nobody_is_charged_for_what_was_changed_behind_their_quote(shop: Shop) -> None:
    tenant, customer = link(shop, "acme", at=NOON)
    held = shop.subscribe(customer, "starter")
    quote = billing.quote_change(tenant_id=tenant, plan="business", by="user:a", clock=now)
    shop.v1.subscriptions.update(held.id, {"cancel_at_period_end": True})
    with pytest.raises(billing.QuoteStale):
        billing.apply_quote(tenant_id=tenant, quote_id=quote.id, key="a", by="user:a", clock=now)
    assert invoices(tenant) == [1000]


def test_an_answer_that_was_lost_is_given_again_and_nothing_is_charged_twice(shop: Shop) -> None:
    tenant, customer = link(shop, "acme", at=NOON)
    shop.subscribe(customer, "starter")
    quote = billing.quote_change(tenant_id=tenant, plan="business", by="user:a", clock=now)

    class Breaking(Till):
        def change_now(self, **asked: Any) -> Any:
            super().change_now(**asked)
            raise billing.StripeUnavailable("The answer was lost.")

    def use(till: Till | None = None) -> billing.Changed:
        return billing.apply_quote(tenant_id=tenant, quote_id=quote.id, key="k", by="user:a", clock=now, till=till)

    with pytest.raises(billing.StripeUnavailable):
        use(Breaking(shop.gateway))
    assert use().charged == quote.cost["amount_due"]
    assert len(invoices(tenant)) == 2


def test_of_two_owners_who_change_at_once_one_is_charged_and_the_other_asked_again(shop: Shop) -> None:
    tenant, customer = link(shop, "acme", at=NOON)
    shop.subscribe(customer, "starter")
    quotes = [
        billing.quote_change(tenant_id=tenant, plan="business", by="user:a", clock=now),
        billing.quote_change(tenant_id=tenant, add_ons=["more-seats"], by="user:b", clock=now),
    ]
    told = []

    def use(number: int, till: Till | None = None) -> billing.Changed:
        quote = quotes[number].id
        return billing.apply_quote(tenant_id=tenant, quote_id=quote, key="k", by="user:a", clock=now, till=till)

    class Slow(Till):
        def change_now(self, **asked: Any) -> Any:
            with pytest.raises(billing.ChangeBusy) as refused:
                use(1)
            told.append(refused.value.extra["retry_after"])
            return super().change_now(**asked)

    assert use(0, Slow(shop.gateway)).charged == quotes[0].cost["amount_due"]
    assert told == [2]
    with pytest.raises(billing.QuoteStale):
        use(1)
    assert len(invoices(tenant)) == 2


def test_a_change_that_was_never_answered_holds_up_the_next_for_a_minute(shop: Shop) -> None:
    tenant, customer = link(shop, "acme", at=NOON)
    shop.subscribe(customer, "starter")
    lost = billing.quote_change(tenant_id=tenant, add_ons=["more-seats"], by="user:a", clock=now)
    next_one = billing.quote_change(tenant_id=tenant, plan="business", by="user:a", clock=now)

    class Away(Till):
        def change_now(self, **_asked: Any) -> Any:
            raise billing.StripeUnavailable("Nobody is there.")

    def use(quote: billing.QuoteView, *, later: float = 0, till: Till | None = None) -> billing.Changed:
        at = now() + timedelta(seconds=later)
        return billing.apply_quote(
            tenant_id=tenant, quote_id=quote.id, key="k", by="user:a", clock=lambda: at, till=till
        )

    with pytest.raises(billing.StripeUnavailable):
        use(lost, till=Away(shop.gateway))
    with pytest.raises(billing.ChangeBusy):
        use(next_one)
    assert use(next_one, later=61).charged == next_one.cost["amount_due"]
    with pytest.raises(billing.QuoteStale):
        use(lost, later=62)


def test_a_checkout_that_opens_after_another_took_its_place_is_closed_again(shop: Shop) -> None:
    tenant = licensing.put_tenant(slug="acme", name="Acme", by="test", at=NOON)[0].id

    def begin(key: str, *, later: float = 0, till: Till | None = None) -> billing.OpenCheckout:
        at = now() + timedelta(seconds=later)
        return billing.begin_checkout(
            tenant_id=tenant, plan="starter", key=key, by="user:a", clock=lambda: at, till=till
        )

    class Asleep(Till):
        def create_checkout(self, **asked: Any) -> Any:
            begin("next", later=61)
            return super().create_checkout(**asked)

    with pytest.raises(billing.CheckoutClosed):
        begin("slow", till=Asleep(shop.gateway))
    assert len(shop.v1.checkout.sessions.list({"status": "open"}).data) == 1
