"""A person buys, changes at the price that was shown, ends and goes on: with a Stripe of our own at the other end."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from audit import api as audit
from billing import api as billing
from billing.gateway_checkout import Till
from billing.models import Customer
from billing.reconciling import reconcile
from billing.returning import arrive
from config.billing import StripeSettings
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
def shop(opened: Shop, db: None, worlds: rows.Worlds, settings: Any) -> Shop:
    def make() -> None:
        fill_catalogue(is_mapped=False)
        sell(opened, at=NOON)

    worlds.put_back("journeys", make)
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


class Unasked:
    """A Stripe that nobody may ask."""

    def subscriptions_of(self, customer: str) -> Any:
        raise AssertionError(customer)


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
    assert arrive(session=str(session.id), clock=now, gateway=Unasked()) == "unknown", "it is waited for by nobody"
    with pytest.raises(billing.CheckoutClosed):
        billing.begin_checkout(tenant_id=tenant, plan="starter", key="a", by=BY, clock=now)
    with pytest.raises(billing.BillingKeyReused):
        billing.begin_checkout(tenant_id=tenant, plan="starter", key="b", by=BY, clock=now)


def test_a_key_shows_no_other_purchase_and_no_page_that_is_over(shop: Shop) -> None:
    tenant = licensing.put_tenant(slug="forgetful", name="Forgetful", by="test", at=NOON)[0].id
    opened = billing.begin_checkout(tenant_id=tenant, plan="business", key="a", by=BY, clock=now)
    with pytest.raises(billing.BillingKeyReused):
        billing.begin_trial(tenant_id=tenant, plan="business", key="a", by=BY, clock=now)
    with pytest.raises(billing.CheckoutClosed):
        billing.begin_checkout(tenant_id=tenant, plan="business", key="a", by=BY, clock=lambda: opened.expires_at)


def test_a_checkout_whose_answer_was_lost_is_opened_by_its_key_and_by_others_closed_once_it_is_late(shop: Shop) -> None:
    tenant = licensing.put_tenant(slug="cut-off", name="Cut off", by="test", at=NOON)[0].id

    class Breaking(Till):
        def create_checkout(self, **asked: Any) -> Any:
            super().create_checkout(**asked)
            raise billing.StripeUnavailable("The answer was lost.")

    def begin(key: str, *, later: int = 0, till: Till | None = None) -> billing.OpenCheckout:
        at = now() + timedelta(seconds=later)
        return billing.begin_checkout(tenant_id=tenant, plan="starter", key=key, by=BY, clock=lambda: at, till=till)

    def is_open() -> list[str]:
        customer = billing.get_customer(tenant_id=tenant).stripe_id
        found = shop.v1.checkout.sessions.list({"status": "open"}).data
        return [one.id for one in found if one.customer == customer]

    with pytest.raises(billing.StripeUnavailable):
        begin("a", till=Breaking(shop.gateway))
    with pytest.raises(billing.CheckoutBusy):
        begin("b")
    found = begin("a")
    assert [found.url.rsplit("/", 1)[1]] == is_open(), "it is the page that was opened, and no second one"
    for key in ("b", "c"):
        assert [begin(key, later=61).url.rsplit("/", 1)[1]] == is_open(), "whichever was open before is closed"


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


def test_a_planned_change_whose_answer_was_lost_is_planned_once_and_never_taken_for_made(shop: Shop) -> None:
    tenant, subscription = subscribed(shop, "lost-plan", "business")
    quote = quoted(tenant, plan="starter")

    class Away(Till):
        def change_later(self, **_asked: Any) -> Any:
            raise billing.StripeUnavailable("Nobody is there.")

    class Breaking(Till):
        def change_later(self, **asked: Any) -> Any:
            super().change_later(**asked)
            raise billing.StripeUnavailable("The answer was lost.")

    def planned() -> list[Any]:
        found = shop.v1.subscription_schedules.list({}).data
        return [one for one in found if one.subscription == subscription]

    for till, count in ((Away(shop.gateway), 0), (Breaking(shop.gateway), 1)):
        with pytest.raises(billing.StripeUnavailable):
            billing.apply_quote(tenant_id=tenant, quote_id=quote.id, key="k", by=BY, clock=now, till=till)
        assert len(planned()) == count
    assert apply(tenant, quote).effective_at == quote.effective_at
    assert len(planned()) == 1


def test_an_end_is_announced_and_taken_back(shop: Shop) -> None:
    tenant, _ = subscribed(shop, "leaver", "business")
    ended = billing.cancel(tenant_id=tenant, by=BY, clock=now)
    found = licensing.get_subscription(tenant_id=tenant, at=now())
    assert found.cancel_at == ended.effective_at is not None
    assert billing.cancel(tenant_id=tenant, by=BY, clock=now).effective_at == ended.effective_at
    billing.resume(tenant_id=tenant, by=BY, clock=now)
    assert licensing.get_subscription(tenant_id=tenant, at=now()).cancel_at is None
    assert kinds_of(tenant).count("billing.cancel_ordered") == 1


def test_where_somebody_else_is_just_reading_they_read_again(shop: Shop) -> None:
    tenant, _ = subscribed(shop, "hurried", "business")
    busy = Customer.objects.filter(tenant_id=tenant)
    busy.update(lease_owner="other", lease_until=now() + timedelta(minutes=1))
    assert not billing.cancel(tenant_id=tenant, by=BY, clock=now).is_settled
    assert busy.get().dirty_seq == 2


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


# Trials


def tried(shop: Shop, slug: str, *, card: str = "pm_card_visa") -> tuple[UUID, Any]:
    """Let a newcomer try Business by a checkout, with a card."""
    tenant = licensing.put_tenant(slug=slug, name=slug.title(), by="test", at=NOON)[0].id
    made = billing.begin_trial(tenant_id=tenant, plan="business", key="t", by=BY, clock=now)
    assert made is not None
    session = made.url.rsplit("/", 1)[1]
    shop.stripe.pay(session, card=card)
    assert arrive(session=session, clock=now) == "settled"
    (held,) = shop.v1.subscriptions.list({"customer": billing.get_customer(tenant_id=tenant).stripe_id}).data
    return tenant, held


def odd(shop: Shop) -> list[str]:
    return [one.line() for one in reconcile(gateway=shop.gateway, at=now()) if one.tenant]


def kinds_open_to(tenant: UUID) -> list[str]:
    found = licensing.snapshot_at(tenant_id=tenant, at=now())
    return [str(one.kind) for one in found.unlocks["exports"]]


def test_a_plan_is_tried_at_a_checkout_that_takes_a_card_and_charges_nothing(shop: Shop) -> None:
    tenant, held = tried(shop, "curious")
    assert (held.status, total_of(shop, held.id)) == ("trialing", [0])
    assert plan_of(tenant, now()) == ("business", "trialing")
    assert kinds_open_to(tenant) == [], "it holds what it could buy, and has tried it"
    with pytest.raises((licensing.SubscriptionManaged, licensing.TrialUsed)):
        billing.begin_trial(tenant_id=tenant, plan="business", key="u", by=BY, clock=now)
    assert odd(shop) == []


def test_who_tries_again_with_a_card_that_has_tried_has_nothing_until_it_is_paid_for(shop: Shop) -> None:
    first, _held = tried(shop, "early", card="pm_card_mastercard")
    again, held = tried(shop, "late", card="pm_card_mastercard")
    assert (plan_of(first, now()), plan_of(again, now())) == (("business", "trialing"), ("business", "paused"))
    assert not licensing.entitlements_at(tenant_id=again, at=now())["exports"].is_granted
    assert billing.get_customer(tenant_id=again).problem.startswith("trial_used")
    assert "billing.held" in kinds_of(again)
    billing.sync_tenant(tenant_id=first, gateway=shop.gateway, clock=now)
    assert plan_of(first, now()) == ("business", "trialing"), "read again, it is the same trial"
    assert odd(shop) == []
    shop.v1.subscriptions.update(held.id, {"trial_end": "now"})
    billing.sync_tenant(tenant_id=again, gateway=shop.gateway, clock=now)
    assert (plan_of(again, now()), billing.get_customer(tenant_id=again).problem) == (("business", "active"), "")


def test_the_vendor_may_mean_a_second_trial(shop: Shop) -> None:
    tenant, held = tried(shop, "befriended")
    shop.v1.subscriptions.cancel(held.id)
    customer = billing.get_customer(tenant_id=tenant).stripe_id
    second = shop.subscribe(customer, "business", trial_period_days=3)
    billing.sync_tenant(tenant_id=tenant, gateway=shop.gateway, clock=now)
    assert plan_of(tenant, now()) == ("business", "paused")
    shop.v1.subscriptions.update(second.id, {"metadata": {"tiergate.trial": "given"}})
    billing.sync_tenant(tenant_id=tenant, gateway=shop.gateway, clock=now)
    assert plan_of(tenant, now()) == ("business", "trialing")


def test_what_is_not_sold_online_is_tried_at_once_and_once(shop: Shop, settings: Any) -> None:
    settings.STRIPE = StripeSettings()
    own = {"domain": "offline.example"}
    tenant = licensing.put_tenant(slug="offline", name="Offline", settings=own, by="test", at=NOON)[0].id
    assert kinds_open_to(tenant) == ["plan", "trial"]
    assert billing.begin_trial(tenant_id=tenant, plan="business", key="t", by=BY, clock=now) is None
    assert plan_of(tenant, now()) == ("business", "trialing")
    twin = licensing.put_tenant(slug="twin", name="Twin", settings={"domain": "offline.example"}, by="test", at=NOON)[
        0
    ].id
    with pytest.raises(licensing.TrialUsed):
        billing.begin_trial(tenant_id=twin, plan="business", key="t", by=BY, clock=now)
    with pytest.raises(licensing.UnknownPlan):
        billing.begin_trial(tenant_id=twin, plan="starter", key="t", by=BY, clock=now)


def test_what_is_planned_keeps_how_many_there_are(shop: Shop) -> None:
    tenant, subscription = subscribed(shop, "many-seats", "business", "more-seats")
    items = shop.v1.subscriptions.retrieve(subscription).to_dict()["items"]["data"]
    seats = next(one for one in items if one["price"]["id"] == shop.prices["more-seats"])
    five = {"items": [{"id": seats["id"], "quantity": 5}], "proration_behavior": "none"}
    shop.v1.subscriptions.update(subscription, five)
    quote = quoted(tenant, plan="starter")
    assert quote.cost["amount_due"] == 1000 + 5 * 3000
    apply(tenant, quote)
    phases = shop.v1.subscription_schedules.list({}).data[0].to_dict()["phases"]
    assert [sorted((one["price"], one["quantity"]) for one in phase["items"]) for phase in phases] == [
        sorted([(shop.prices["business"], 1), (shop.prices["more-seats"], 5)]),
        sorted([(shop.prices["starter"], 1), (shop.prices["more-seats"], 5)]),
    ]


def test_what_is_planned_during_a_trial_ends_no_trial(shop: Shop) -> None:
    tenant, customer = link(shop, "trier", at=NOON)
    held = shop.subscribe(customer, "business", trial_period_days=14)
    quote = quoted(tenant, plan="starter")
    apply(tenant, quote)
    after = shop.v1.subscriptions.retrieve(held.id)
    assert (after.status, after.trial_end) == ("trialing", held.trial_end)
    (planned,) = shop.v1.subscription_schedules.list({"customer": customer}).data
    assert [one.trial_end for one in planned.phases] == [held.trial_end, None]
