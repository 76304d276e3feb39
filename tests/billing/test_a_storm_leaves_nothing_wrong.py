"""Five hundred tenants, five thousand events, everything that goes wrong between two companies, and workers that die."""

import os
import random
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import stripe
from django.db.models import QuerySet

import audit.api
from billing import api as billing
from billing import catching_up, reconciling, resolving, syncing
from billing.models import Customer, Event
from config.billing import StripeSettings
from config.demo.children import bound_to_us
from config.embedded.processes import wait_until
from config.fake_stripe.server import KEY, SECRET
from isolation.api import tenant_transaction
from isolation.clock import now
from licensing import api as licensing
from tests.billing.account import Shop, link, open_shop, sell
from tests.billing.conftest import NOON, fill_catalogue

TENANTS = 500
EVENTS = 5_000
FAULTS = {
    "duplicate": 0.2,
    "reorder": 0.4,
    "reorder_seconds": 1.0,
    "delay": 0.1,
    "delay_seconds": 5.0,
    "drop": 0.1,
    "fail": 0.15,
    "api_before": 0.03,
    "api_after": 0.03,
}
STILL = dict.fromkeys(FAULTS, 0.0)
MOVES = (("starter",), ("business",), ("starter", "more-seats"), ("business", "more-seats"))


@contextmanager
def child(*words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        bound_to_us(["-m", "tests.billing.storm_children", *words]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment, "TIERGATE_LOG_LEVEL": "CRITICAL"},
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()


def said(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


@pytest.mark.storm
@pytest.mark.django_db
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_a_storm_everybody_has_what_they_pay_for(seed: int, settings: Any) -> None:
    settings.STRIPE = StripeSettings(key=KEY, secrets=(SECRET,))
    fill_catalogue(is_mapped=False)
    with ExitStack() as stack:
        known = {"STRIPE_API_KEY": KEY, "STRIPE_WEBHOOK_SECRETS": SECRET}
        receiver = stack.enter_context(child("receiver", **known))
        address = f"http://127.0.0.1:{said(receiver)}/billing/stripe/webhook"
        shop = stack.enter_context(open_shop(webhook_url=address, seed=seed, senders=4, payload="snapshot"))
        settings.STRIPE = shop.settings
        sell(shop, at=NOON)
        shop.stripe.turn(**FAULTS)
        workers = stack.enter_context(child("workers", str(seed), STRIPE_API_BASE=shop.stripe.url, **known))
        tenants = live_through(shop, random.Random(f"changes {seed}"))  # noqa: S311 - as above
        assert workers.stdin is not None
        workers.stdin.close()
        assert said(workers) >= 10, "so many workers were killed"
        shop.stripe.turn(**STILL)
        assert shop.stripe.settle(60)
        events = {row["id"] for row in shop.gateway.events(since=NOON - timedelta(days=1))}
        assert len(events) >= EVENTS
        dropped = events - set(Event.objects.using("sweep").values_list("id", flat=True))
        assert len(dropped) > EVENTS / 20, "some were never sent"
        assert catching_up.catch_up(gateway=shop.gateway, clock=now) == len(dropped)
        assert wait_until(lambda: not waiting().filter(lease_until=None, next_try_at=None).exists(), seconds=120)
        # Nobody's clock is turned: a change made "in two minutes" would hide what is done before then.
        # Leases of workers that died are over in a minute, as are the pauses after failures.
        drain(shop)
        assert {*Event.objects.using("sweep").values_list("id", flat=True)} == events
        assert wrong(shop, tenants, now()) == {}
        assert reconciling.reconcile(gateway=shop.gateway, at=now()) == []
        assert billing.list_dead_letters() == []
        assert applied_twice(tenants) == []

        swept_after_silence(shop, tenants)


def live_through(shop: Shop, chance: random.Random) -> dict[UUID, str]:
    """Have tenants come, buy, change their minds and go, until there were enough events."""
    driver = Shop(stripe=shop.stripe, gateway=shop.gateway, prices=shop.prices, client=patient(shop))
    tenants: dict[UUID, str] = {}
    held: dict[str, Any] = {}
    for number in range(TENANTS):
        tenant, customer = link(driver, f"tenant-{number}", at=now())
        tenants[tenant] = customer
        held[customer] = driver.subscribe(customer, *chance.choice(MOVES))
    customers = list(held)
    while shop.stripe.state()["objects"]["event"] < EVENTS:
        for customer in chance.sample(customers, TENANTS // 5):
            held[customer] = change(driver, customer, held[customer], chance)
    return tenants


def change(shop: Shop, customer: str, held: Any, chance: random.Random) -> Any:
    """Do one thing to a subscription; one that is over is begun anew."""
    if held.status == "canceled":
        return shop.subscribe(customer, *chance.choice(MOVES))
    match chance.randrange(10):
        case 0:
            return end(shop, held)
        case 1:
            return shop.v1.subscriptions.update(held.id, {"cancel_at_period_end": True})
        case 2:
            return shop.v1.subscriptions.update(held.id, {"pause_collection": {"behavior": "void"}})
        case 3:
            return shop.v1.subscriptions.update(held.id, {"pause_collection": "", "cancel_at_period_end": False})
        case _:
            return shop.move(held, *chance.choice(MOVES))


def end(shop: Shop, held: Any) -> Any:
    try:
        return shop.v1.subscriptions.cancel(held.id)
    except stripe.InvalidRequestError:
        # It was ended, and the answer was lost.
        return shop.v1.subscriptions.retrieve(held.id)


class Hasty(stripe.RequestsClient):
    """Tries again at once."""

    INITIAL_DELAY = 0.001
    MAX_DELAY = 0.01  # type: ignore[assignment]  # the library says int, and sleeps so long


def patient(shop: Shop) -> stripe.StripeClient:
    """Be a product that tries again: whatever it does was done, in the end, once."""
    base: Any = {"api": shop.stripe.url}
    return stripe.StripeClient(shop.stripe.key, base_addresses=base, max_network_retries=8, http_client=Hasty())


def waiting() -> QuerySet[Customer]:
    return Customer.objects.filter(dirty_at__isnull=False)


def drain(shop: Shop) -> None:
    def nothing_is_left() -> bool:
        resolving.resolve_events(gateway=shop.gateway, clock=now)
        syncing.work_off(gateway=shop.gateway, clock=now, until=now() + timedelta(seconds=5))
        return not waiting().exists()

    assert wait_until(nothing_is_left, seconds=240)


def wrong(shop: Shop, tenants: dict[UUID, str], at: datetime) -> dict[str, Any]:
    """Compare what each tenant may do with what stands at Stripe, by a rule of the test's own."""
    plans = {price: plan for plan, price in shop.prices.items()}
    paid: dict[str, set[str]] = {}
    for one in shop.v1.subscriptions.list({"status": "all", "limit": 100}).auto_paging_iter():
        if one.status != "canceled" and not one.pause_collection:
            items = one.to_dict()["items"]["data"]
            paid.setdefault(one.customer, set()).update(plans[item["price"]["id"]] for item in items)
    out = {}
    for tenant, customer in tenants.items():
        had = paid.get(customer, set())
        granted = licensing.entitlements_at(tenant_id=tenant, at=at)
        may = (granted["reports"].is_granted, granted["exports"].is_granted, granted["seats"].is_granted)
        should = (bool(had & {"starter", "business"}), "business" in had, "more-seats" in had)
        if may != should:
            out[customer] = (may, should)
    return out


def applied_twice(tenants: dict[UUID, str]) -> list[Any]:
    """Find changes in the trail that changed nothing, or began elsewhere than the one before ended."""
    out: list[Any] = []
    for tenant in tenants:
        with tenant_transaction(tenant):
            entries = audit.api.list_entries(tenant_id=tenant, limit=audit.api.MAX_PAGE)
        changes = [one.payload for one in entries if one.kind == audit.api.Kind.SUBSCRIPTION_CHANGED]
        out += [one for one in changes if one["old"] == one["new"]]
        kinds = Counter(one.kind for one in entries)
        assert kinds[audit.api.Kind.BILLING_LINKED] == 1
    return out


def swept_after_silence(shop: Shop, tenants: dict[UUID, str]) -> None:
    """Change what no webhook and no list tells of: who looks at everybody finds it."""
    shop.stripe.turn(drop=1.0)
    changed = list(tenants.items())[:20]
    for _tenant, customer in changed:
        held = live(shop, customer)
        if held:
            shop.v1.subscriptions.cancel(held[0].id)
        else:
            shop.subscribe(customer, "business")
    assert len(wrong(shop, dict(changed), now())) >= 10
    at = now()
    assert catching_up.sweep(at=at, before=at, limit=None) == TENANTS
    assert wait_until(lambda: not waiting().exists(), seconds=120)
    assert wrong(shop, tenants, now()) == {}


def live(shop: Shop, customer: str) -> list[Any]:
    found = shop.v1.subscriptions.list({"customer": customer, "status": "all", "limit": 100}).data
    return [one for one in found if one.status != "canceled"]
