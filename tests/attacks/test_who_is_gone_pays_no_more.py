"""A tenant that was closed, an account that was deleted, an end that the vendor has set, a page open to everybody: none costs money."""

from datetime import timedelta

import psycopg
import pytest
from django.test import Client

from billing import api as billing
from billing import closing
from billing.calls import make_calls
from billing.models import Call
from isolation.api import tenant_transaction
from isolation.clock import now
from licensing import api as licensing
from tests.billing.account import Shop
from tests.billing.conftest import NOON, plan_of
from tests.billing.test_journeys import BY, kinds_of, odd, opened, shop, subscribed

__all__ = ["opened", "shop"]  # fixtures


def put(slug: str, status: str) -> None:
    licensing.put_tenant(slug=slug, name=slug.title(), status=status, by="test", at=now())


def status_of(shop: Shop, subscription: str) -> str:
    return str(shop.v1.subscriptions.retrieve(subscription).status)


def test_what_a_closed_tenant_pays_for_is_ended_at_stripe_and_is_not_back_when_it_opens(shop: Shop) -> None:
    tenant, subscription = subscribed(shop, "closing", "business")
    put("closing", "suspended")
    assert closing.order_ends(at=now()) == 0, "a pause is no end"
    put("closing", "closed")
    assert [line.rsplit(": ", 1)[1] for line in odd(shop) if line.startswith("closing ")] == [
        f"subscription is {subscription} at Stripe, of a closed tenant here"
    ]
    assert [closing.order_ends(at=now()) for _ in range(2)] == [1, 0]
    make_calls(gateway=shop.gateway, clock=now)
    assert status_of(shop, subscription) == "canceled"
    assert kinds_of(tenant).count("billing.cancel_ordered") == 1
    billing.sync_tenant(tenant_id=tenant, gateway=shop.gateway, clock=now)
    put("closing", "active")
    assert plan_of(tenant, now()) in {None, ("business", "canceled")}
    assert not licensing.entitlements_at(tenant_id=tenant, at=now())["exports"].is_granted


def test_one_whose_end_cannot_be_ordered_keeps_nobody_else_paying(shop: Shop, superuser: psycopg.Connection) -> None:
    held = sorted(subscribed(shop, slug, "business") for slug in ("this", "that"))
    for slug in ("this", "that"):
        put(slug, "closed")
    # They are gone through by their ids, so that the other comes behind it.
    (stuck, _), (behind, _) = held
    superuser.execute(
        "CREATE FUNCTION bad_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'this row is bad'; END $$;"
        f" CREATE TRIGGER bad_row BEFORE INSERT ON billing_outbox FOR EACH ROW WHEN (NEW.tenant_id = '{stuck}')"
        " EXECUTE FUNCTION bad_row()"
    )
    try:
        closing.order_ends(at=now())
    finally:
        superuser.execute("DROP TRIGGER bad_row ON billing_outbox; DROP FUNCTION bad_row()")
    assert [kinds_of(one).count("billing.cancel_ordered") for one in (stuck, behind)] == [0, 1]
    assert closing.order_ends(at=now()) == 1, "it is tried again"
    make_calls(gateway=shop.gateway, clock=now)
    assert {status_of(shop, subscription) for _, subscription in held} == {"canceled"}


def test_what_is_paid_for_once_a_tenant_is_closed_is_ended_as_soon_as_it_is_read(shop: Shop) -> None:
    tenant = licensing.put_tenant(slug="late-payer", name="Late", by="test", at=NOON)[0].id
    opened = billing.begin_checkout(tenant_id=tenant, plan="starter", key="a", by=BY, clock=now)
    put("late-payer", "closed")
    shop.stripe.pay(opened.url.rsplit("/", 1)[1])
    billing.sync_tenant(tenant_id=tenant, gateway=shop.gateway, clock=now)
    with tenant_transaction(tenant):
        call = Call.objects.get(operation="cancel_subscription")
    make_calls(gateway=shop.gateway, clock=now)
    assert status_of(shop, call.parameters["subscription"]) == "canceled"


def test_whose_account_was_deleted_at_stripe_buys_by_a_new_one(shop: Shop) -> None:
    tenant, _ = subscribed(shop, "deleted", "starter")
    old = billing.get_customer(tenant_id=tenant).stripe_id
    shop.v1.customers.delete(old)
    billing.sync_tenant(tenant_id=tenant, gateway=shop.gateway, clock=now)
    assert plan_of(tenant, now()) in {None, ("starter", "canceled")}
    for key in ("first", "second"):
        opened = billing.begin_checkout(tenant_id=tenant, plan="business", key=key, by=BY, clock=now)
        new = billing.get_customer(tenant_id=tenant).stripe_id
        assert new != old
        assert kinds_of(tenant).count("billing.unlinked") == 1, key
    shop.stripe.pay(opened.url.rsplit("/", 1)[1])
    billing.sync_tenant(tenant_id=tenant, gateway=shop.gateway, clock=now)
    assert plan_of(tenant, now()) == ("business", "active")
    # And so again: it is one call for each account.
    shop.v1.customers.delete(new)
    billing.begin_checkout(tenant_id=tenant, plan="business", key="third", by=BY, clock=now)
    assert billing.get_customer(tenant_id=tenant).stripe_id not in {old, new}


def test_an_account_that_stripe_does_not_know_is_let_go_of_by_nobody(shop: Shop) -> None:
    tenant = licensing.put_tenant(slug="elsewhere", name="Elsewhere", by="test", at=NOON)[0].id
    billing.link_customer(tenant_id=tenant, stripe_id="cus_of_another_account", by="test", at=NOON)
    with pytest.raises(billing.StripeRefused):
        billing.begin_checkout(tenant_id=tenant, plan="starter", key="k", by=BY, clock=now)
    assert billing.get_customer(tenant_id=tenant).stripe_id == "cus_of_another_account"


def test_an_owner_takes_back_no_end_that_the_vendor_has_set(shop: Shop) -> None:
    tenant, subscription = subscribed(shop, "ended-by-vendor", "business")
    day = now() + timedelta(days=90)
    shop.v1.subscriptions.update(subscription, {"cancel_at": int(day.timestamp())})
    with pytest.raises(billing.EndSet):
        billing.resume(tenant_id=tenant, by=BY, clock=now)
    assert shop.v1.subscriptions.retrieve(subscription).cancel_at == int(day.timestamp())
    assert "billing.resume_ordered" not in kinds_of(tenant)


def test_an_end_with_the_period_is_taken_back_however_it_was_written(shop: Shop) -> None:
    tenant, subscription = subscribed(shop, "ended-on-a-page", "business")
    shop.v1.subscriptions.update(subscription, {"cancel_at": "max_period_end"})
    assert shop.v1.subscriptions.retrieve(subscription).cancel_at_period_end is False
    billing.resume(tenant_id=tenant, by=BY, clock=now)
    assert shop.v1.subscriptions.retrieve(subscription).cancel_at is None
    assert licensing.get_subscription(tenant_id=tenant, at=now()).cancel_at is None


def test_an_address_that_anybody_may_open_asks_stripe_only_for_who_waits_for_what_they_paid(shop: Shop) -> None:
    tenant = licensing.put_tenant(slug="returning", name="Returning", by="test", at=NOON)[0].id
    opened = billing.begin_checkout(tenant_id=tenant, plan="starter", key="a", by=BY, clock=now)
    session = opened.url.rsplit("/", 1)[1]
    foreign = shop.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "customer": shop.customer("stranger"),
            "line_items": [{"price": shop.prices["starter"], "quantity": 1}],
            "success_url": billing.success_url(),
        }
    ).id

    def cost(of: str) -> tuple[int, int]:
        before = shop.stripe.state()["calls"]
        answer = Client().get("/billing/paid", {"session_id": of}).status_code
        return answer, shop.stripe.state()["calls"] - before

    assert [cost(one) for one in ("cs_test_made_up", foreign)] == [(200, 0), (200, 0)]
    shop.stripe.pay(session)
    status, calls = cost(session)
    assert (status, calls > 0) == (302, True)
    assert plan_of(tenant, now()) == ("starter", "active")
    assert cost(session) == (302, 0), "what was read is read"
