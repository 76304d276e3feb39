"""From the official library's answers to what a tenant has: with a Stripe of our own at the other end."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from django.core.management import call_command
from django.test import Client

from billing import api as billing
from billing import catching_up, reconciling, syncing
from billing.calls import make_calls
from billing.errors import StripeRefused, StripeUnavailable
from billing.gateway import StripeGateway
from billing.models import Call, Checkout, Cursor, Customer, Event
from isolation.api import tenant_transaction
from isolation.clock import now
from licensing import api as licensing
from tests import rows
from tests.billing.account import Shop, link, open_shop, sell
from tests.billing.conftest import NOON, fill_catalogue, plan_of


@pytest.fixture(scope="module")
def opened() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


@pytest.fixture
def shop(opened: Shop, db: None, worlds: rows.Worlds, settings: Any) -> Shop:
    def make() -> None:
        fill_catalogue()
        sell(opened, at=NOON)

    worlds.put_back("shop", make)
    settings.STRIPE = opened.settings
    return opened


def work(shop: Shop) -> int:
    return syncing.work_off(gateway=shop.gateway, clock=now, until=now() + timedelta(seconds=20))


def test_buying_changing_and_ending_are_followed(shop: Shop) -> None:
    tenant, customer = link(shop, "buyer", at=NOON)
    held = shop.subscribe(customer, "starter")
    assert work(shop) == 1
    assert plan_of(tenant, now()) == ("starter", "active")
    held = shop.move(held, "business", "more-seats")
    catching_up.sweep(at=now(), before=now())
    work(shop)
    found = licensing.get_subscription(tenant_id=tenant, at=now())
    assert (found.plan, [key for key, _ in found.add_ons], found.external_id) == ("business", ["more-seats"], held.id)
    shop.v1.subscriptions.update(held.id, {"cancel_at_period_end": True})
    catching_up.sweep(at=now(), before=now())
    work(shop)
    ending = licensing.get_subscription(tenant_id=tenant, at=now())
    assert ending.cancel_at == ending.current_period_end is not None
    shop.v1.subscriptions.cancel(held.id)
    catching_up.sweep(at=now(), before=now())
    work(shop)
    assert not licensing.entitlements_at(tenant_id=tenant, at=now())["exports"].is_granted
    assert reconciling.reconcile(gateway=shop.gateway, at=now()) == []


def test_a_change_that_no_webhook_told_of_is_found_in_the_list_of_events(shop: Shop) -> None:
    tenant, customer = link(shop, "unheard", at=NOON)
    catching_up.catch_up(gateway=shop.gateway, clock=now)
    work(shop)
    shop.subscribe(customer, "business")
    assert catching_up.catch_up(gateway=shop.gateway, clock=now) > 0
    assert work(shop) == 1
    assert plan_of(tenant, now()) == ("business", "active")
    assert catching_up.catch_up(gateway=shop.gateway, clock=now) == 0
    assert set(Event.objects.using("sweep").values_list("source", flat=True)) == {"cursor"}


def test_the_cursor_stays_behind_and_goes_on_from_there(shop: Shop) -> None:
    link(shop, "followed", at=NOON)
    ahead = now() + catching_up.LAG + timedelta(seconds=1)
    catching_up.catch_up(gateway=shop.gateway, clock=now)
    assert Cursor.objects.get().event_id == "", "all are too new to be passed by"
    catching_up.catch_up(gateway=shop.gateway, clock=lambda: ahead)
    held = Cursor.objects.get().event_id
    assert held.startswith("evt_")
    _tenant, customer = link(shop, "followed-too", at=NOON)
    shop.subscribe(customer, "starter")
    assert catching_up.catch_up(gateway=shop.gateway, clock=now) > 0
    assert Cursor.objects.get().event_id == held


def test_a_cursor_that_stripe_has_forgotten_has_everybody_looked_at(shop: Shop) -> None:
    tenant, customer = link(shop, "long-away", at=NOON)
    work(shop)
    shop.subscribe(customer, "business")
    Cursor.objects.update_or_create(name="events", defaults={"event_id": "evt_gone", "checked_at": NOON})
    Event.objects.using("sweep").all().delete()
    catching_up.catch_up(gateway=shop.gateway, clock=now)
    assert work(shop) >= 1
    assert plan_of(tenant, now()) == ("business", "active")


def checkout_of(shop: Shop, tenant: UUID, customer: str) -> str:
    """Open a checkout for a tenant, as is written down of it here, and return its session at Stripe."""
    session = shop.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "customer": customer,
            "line_items": [{"price": shop.prices["business"], "quantity": 1}],
            "success_url": billing.success_url(),
        }
    )
    with tenant_transaction(tenant):
        expires_at = now() + timedelta(hours=1)
        Checkout.objects.create(
            tenant_id=tenant,
            key="k",
            prices=[],
            by="test",
            session_id=session.id,
            created_at=NOON,
            expires_at=expires_at,
        )
    return str(session.id)


def test_whoever_comes_from_the_checkout_has_what_they_paid_for(shop: Shop) -> None:
    tenant, customer = link(shop, "payer", at=NOON)
    work(shop)
    session = checkout_of(shop, tenant, customer)
    assert Client().get("/billing/paid", {"session_id": session}).status_code == 302
    assert plan_of(tenant, now()) is None
    shop.subscribe(customer, "business")
    back = Client().get("/billing/paid", {"session_id": session})
    assert (back.status_code, back["Location"]) == (302, "/console/")
    assert plan_of(tenant, now()) == ("business", "active")


@pytest.mark.parametrize("session", ["", "cs_none", "sub_1", "cs_'", "cs_" + "x" * 300])
def test_an_address_of_no_checkout_says_so_and_marks_nobody(shop: Shop, session: str) -> None:
    page = Client().get("/billing/paid", {"session_id": session})
    assert (page.status_code, "No such checkout" in page.content.decode()) == (200, True)


def test_while_somebody_else_reads_the_page_asks_to_wait(shop: Shop) -> None:
    tenant, customer = link(shop, "waiting", at=NOON)
    session = checkout_of(shop, tenant, customer)
    Customer.objects.filter(stripe_id=customer).update(lease_owner="other", lease_until=now() + timedelta(minutes=1))
    page = Client().get("/billing/paid", {"session_id": session})
    assert (page.status_code, page["Refresh"]) == (200, f"2; url=/billing/paid?session_id={session}")
    assert Customer.objects.get(stripe_id=customer).dirty_seq == 2, "whoever reads will read again"


def test_a_card_that_fails_leaves_the_plan_for_its_days_of_grace(shop: Shop) -> None:
    clock = shop.v1.test_helpers.test_clocks.create({"frozen_time": int(now().timestamp())})
    tenant = licensing.put_tenant(slug="late", name="Late", by="test", at=NOON)[0].id
    made = shop.v1.customers.create({"name": "late", "test_clock": clock.id})
    paid_by = shop.v1.payment_methods.attach("pm_card_visa", {"customer": made.id})
    shop.v1.customers.update(made.id, {"invoice_settings": {"default_payment_method": paid_by.id}})
    billing.link_customer(tenant_id=tenant, stripe_id=made.id, by="test", at=NOON)
    shop.subscribe(made.id, "business")
    failing = shop.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": made.id})
    shop.v1.customers.update(made.id, {"invoice_settings": {"default_payment_method": failing.id}})
    later = now() + timedelta(days=32)
    shop.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": int(later.timestamp())})
    work(shop)
    found = licensing.get_subscription(tenant_id=tenant, at=now())
    assert (found.plan, found.status) == ("business", "past_due")
    assert found.grace_until is not None
    granted = [
        licensing.entitlements_at(tenant_id=tenant, at=found.grace_until + timedelta(hours=hours))["exports"].is_granted
        for hours in (-1, 1)
    ]
    assert granted == [True, False]


def test_a_call_is_made_once_however_often_its_answer_is_lost(shop: Shop) -> None:
    tenant = licensing.put_tenant(slug="wanted", name="Wanted", by="test", at=NOON)[0].id
    at = now()
    assert billing.want_customer(tenant_id=tenant, name="Wanted", at=at)
    assert not billing.want_customer(tenant_id=tenant, name="Wanted", at=at), "one purpose is one call"
    before = len(shop.gateway.customers())
    with tenant_transaction(tenant):
        call = Call.objects.get()
    for _ in range(2):
        # Made, and the process died before it could store the answer.
        shop.gateway.create_customer(tenant=str(tenant), name="Wanted", key=str(call.id))
    more: dict[str, Any] = {"operation": billing.Operation.UPDATE_CUSTOMER, "parameters": {}, "purpose": "name"}
    billing.call_later(tenant_id=tenant, **more, at=at + timedelta(hours=1))
    assert make_calls(gateway=shop.gateway, clock=now) == 1
    assert make_calls(gateway=shop.gateway, clock=now) == 0
    with tenant_transaction(tenant):
        assert [one.purpose for one in Call.objects.filter(done_at=None)] == ["name"], (
            "what is not due yet is still owed"
        )
    assert len(shop.gateway.customers()) == before + 1
    assert billing.get_customer(tenant_id=tenant).stripe_id.startswith("cus_")


def made_at(shop: Shop, at: datetime) -> int:
    return make_calls(gateway=shop.gateway, clock=lambda: at)


def test_one_call_that_nobody_understands_holds_up_no_other_and_is_looked_at_in_the_end(shop: Shop) -> None:
    odd, fine, late = (
        licensing.put_tenant(slug=slug, name=slug, by="test", at=NOON)[0].id for slug in ("odd", "fine", "not-yet-due")
    )
    at = now()
    for tenant, seconds in ((odd, 0), (fine, 0.1), (late, 1)):
        billing.want_customer(tenant_id=tenant, name="Wanted", at=at + timedelta(seconds=seconds))
    with tenant_transaction(odd):
        Call.objects.update(parameters={})
    for tenant, seconds in ((fine, 0.5), (late, 1)):
        assert made_at(shop, at + timedelta(seconds=seconds)) == 1
        assert billing.get_customer(tenant_id=tenant).stripe_id.startswith("cus_")
    with tenant_transaction(odd):
        assert Call.objects.get().attempts == 1, "it waits before it is tried again"
    for days in (2, 3):
        made_at(shop, at + timedelta(days=days))
    (letter,) = [one for one in billing.list_dead_letters() if one.kind == "call"]
    assert (letter.about, letter.attempts) == (str(odd), 2), "what was given up is tried no further"


@pytest.mark.parametrize("column", ["lease_until", "next_try_at"])
def test_a_clock_that_was_ahead_and_is_put_right_holds_up_no_call(shop: Shop, column: str) -> None:
    tenant = licensing.put_tenant(slug="wanted", name="Wanted", by="test", at=NOON)[0].id
    at = now()
    billing.want_customer(tenant_id=tenant, name="Wanted", at=at)
    with tenant_transaction(tenant):
        Call.objects.update(**{column: at + timedelta(seconds=30)})
    assert made_at(shop, at) == 0, "somebody makes it, or it rests"
    with tenant_transaction(tenant):
        Call.objects.update(**{column: at + timedelta(days=365)})
    assert made_at(shop, at) == 1


def test_a_call_whose_key_has_expired_is_looked_up_by_a_person(shop: Shop) -> None:
    old, other = (licensing.put_tenant(slug=slug, name=slug, by="test", at=NOON)[0].id for slug in ("old", "other"))
    for tenant in (old, other):
        billing.want_customer(tenant_id=tenant, name="Old", at=NOON)
    before = len(shop.gateway.customers())
    assert made_at(shop, NOON + timedelta(days=2)) == 0
    letters = {one.about: one for one in billing.list_dead_letters() if one.kind == "call"}
    assert {one.problem.partition(":")[0] for one in letters.values()} == {"create_customer"}
    assert all("idempotency key has expired" in one.problem for one in letters.values())
    assert len(shop.gateway.customers()) == before
    ref = letters[str(old)].ref
    assert billing.replay(ref=ref, by="test", at=now())
    assert not billing.replay(ref=ref, by="test", at=now()), "one that lives is as old as it is"
    assert make_calls(gateway=shop.gateway, clock=now) == 1
    assert [one.about for one in billing.list_dead_letters() if one.kind == "call"] == [str(other)], "each for itself"


def test_reconciling_tells_what_differs_and_repairs_it(shop: Shop) -> None:
    tenant, customer = link(shop, "drifted", at=NOON)
    shop.subscribe(customer, "business")
    work(shop)
    stranger = shop.customer("stranger")
    shop.subscribe(stranger, "starter")
    licensing.settle_subscription(tenant_id=tenant, plan="starter", external_id="sub_x", at=now())
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("billing", "reconcile", "--repair", stdout=out)
    lines = out.getvalue().splitlines()
    assert ended.value.code == 2
    assert f"drifted {customer}: plan is business@1 at Stripe, starter@1 here" in lines
    assert any(line.startswith(f"(no tenant) {stranger}: subscription is sub_") for line in lines)
    work(shop)
    assert plan_of(tenant, now()) == ("business", "active")


def test_an_account_that_sold_before_is_drafted_and_then_mapped(shop: Shop, tmp_path: Path) -> None:
    with open_shop(seed=7) as old:
        tenant = licensing.put_tenant(slug="veteran", name="Veteran", by="test", at=NOON)[0].id
        customer = old.customer("veteran", tenant_id=tenant)
        old.subscribe(customer, "business", "more-seats")
        lost = old.customer("lost")
        old.subscribe(lost, "business")
        once = old.v1.prices.create(
            {"product": old.v1.products.create({"name": "Setup"}).id, "currency": "eur", "unit_amount": 5}
        )
        from django.conf import settings  # noqa: PLC0415 - the fixture's, turned to another account

        settings.STRIPE = old.settings
        out = StringIO()
        with pytest.raises(SystemExit):
            call_command("billing", "import", "--into", str(tmp_path), stdout=out)
        catalogue = yaml.safe_load((tmp_path / "catalog.yaml").read_text())
        mapping = yaml.safe_load((tmp_path / "mapping.yaml").read_text())
        assert list(catalogue["plans"]) == ["starter", "business"]
        assert catalogue["add_ons"]["more-seats"]["price"] == {"amount": 3000, "currency": "eur", "interval": "month"}
        assert mapping["customers"] == {customer: "veteran"}
        assert mapping["prices"][old.prices["more-seats"]] == {"kind": "add_on", "key": "more-seats"}
        told = out.getvalue()
        assert f"? The price {once.id} of 'Setup' is paid once" in told
        assert f"? The account {lost} (lost) says no tenant that there is." in told
        call_command("billing", "map", str(tmp_path / "mapping.yaml"), stdout=out)
        assert "3 prices and 1 accounts are mapped anew." in out.getvalue()
        syncing.work_off(gateway=old.gateway, clock=now, until=now() + timedelta(seconds=20))
        assert plan_of(tenant, now()) == ("business", "active")


def test_what_is_on_sale_is_made_known_at_stripe_once(shop: Shop) -> None:
    with licensing.edit_catalogue(by="test", at=NOON) as edit:
        edit.put_plan(
            licensing.PlanSpec(
                key="new.plan", title="New", rank=9, price=licensing.Price(amount=5000, currency="eur", interval="year")
            )
        )
    out = StringIO()
    for verb in (["push-prices", "--plan"], ["push-prices"], ["push-prices"]):
        call_command("billing", *verb, stdout=out)
    planned, made = out.getvalue().splitlines()
    assert planned == "new.plan@1: would be made"
    price = shop.v1.prices.retrieve(made.removeprefix("new.plan@1: ")).to_dict()
    assert (price["unit_amount"], price["recurring"]["interval"], price["metadata"]["tiergate.plan"]) == (
        5000,
        "year",
        "new.plan",
    )


def test_stripe_away_and_stripe_refusing_are_two_things(shop: Shop) -> None:
    with pytest.raises(StripeUnavailable):
        StripeGateway(key=shop.stripe.key, api_base="http://127.0.0.1:9", seconds=1).subscriptions_of("cus_1")
    with pytest.raises(StripeRefused) as refused:
        StripeGateway(key="sk_test_another", api_base=shop.stripe.url).subscriptions_of("cus_1")
    assert refused.value.extra["status"] == 401
    assert "sk_test" not in str(refused.value)


def test_every_page_is_read(shop: Shop) -> None:
    _tenant, customer = link(shop, "many", at=NOON)
    prices = [
        str(
            shop.v1.prices.create(
                {
                    "product": shop.v1.products.create({"name": f"Extra {number}"}).id,
                    "currency": "eur",
                    "unit_amount": number,
                    "recurring": {"interval": "month"},
                }
            ).id
        )
        for number in range(1, 13)
    ]
    held = shop.v1.subscriptions.create({"customer": customer, "items": [{"price": one} for one in prices]})
    (found,) = shop.gateway.subscriptions_of(customer)
    assert (found.id, {one.price for one in found.items}) == (held.id, set(prices))


def test_whoever_was_moved_to_another_version_differs_in_nothing(shop: Shop) -> None:
    tenant, customer = link(shop, "moved", at=NOON)
    shop.subscribe(customer, "business")
    work(shop)
    with licensing.edit_catalogue(by="test", at=NOON) as edit:
        price = licensing.Price(amount=9, currency="eur", interval="month")
        edit.put_plan(licensing.PlanSpec(key="business", title="Business", rank=2, price=price))
    preview = licensing.preview_migration(
        from_version="business@1", to_version="business@2", tenants=[tenant], at=now()
    )
    licensing.run_migration(digest=preview.digest, by="test", at=now())
    assert licensing.get_subscription(tenant_id=tenant, at=now()).version == 2
    assert [one for one in reconciling.reconcile(gateway=shop.gateway, at=now()) if one.tenant == "moved"] == []
