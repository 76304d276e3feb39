"""Northwind with billing: a Stripe of our own that sells what is on sale there."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from billing import api as billing
from billing.pushing import push_prices
from isolation.clock import now
from licensing import api as licensing
from tests import rows
from tests.asked_before import remember_tenants
from tests.billing.account import Shop, open_shop
from tests.billing.conftest import plan_of
from tests.console.plan import conftest as console
from tests.console.plan.test_people_are_invited import confirmed

northwind, browser_of = console.northwind, console.browser_of

type Browsers = Callable[[str], Client]


@pytest.fixture(scope="session")
def opened() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


@pytest.fixture
def shop(opened: Shop, northwind: None, worlds: rows.Worlds, settings: Any) -> Shop:
    """An account at Stripe that sells what Northwind does."""
    settings.STRIPE = opened.settings
    remember_tenants("selling", at=worlds.put_back("selling", lambda: _sold(opened), on="demo"))
    return opened


def _sold(shop: Shop) -> datetime:
    at = now()
    push_prices(gateway=shop.gateway, by="test", at=at)
    return at


@pytest.fixture
def pays(shop: Shop) -> Callable[..., str]:
    """Have a workspace, or Acme, pay for a plan with what is beside it, and return the subscription's id."""

    def begin(*versions: tuple[str, str], slug: str = "acme", **account: Any) -> str:
        tenant = licensing.get_tenant(slug).id
        customer = shop.customer(slug.title(), tenant_id=tenant, **account)
        billing.link_customer(tenant_id=tenant, stripe_id=customer, by="test", at=now())
        priced = {(sold.kind, sold.key): price for price, sold in billing.list_prices().items()}
        items = [{"price": priced[one]} for one in versions]
        made = shop.v1.subscriptions.create({"customer": customer, "items": items})
        billing.sync_tenant(tenant_id=tenant, gateway=shop.gateway, clock=now)
        return str(made.id)

    return begin


def acme_is_on() -> tuple[str, str] | None:
    """Tell Acme's plan and its status; None for nothing."""
    return plan_of(licensing.get_tenant("acme").id, now())


@pytest.fixture
def alice(shop: Shop, browser_of: Browsers) -> Client:
    """Acme's owner, who has just confirmed that it is her."""
    browser = browser_of("alice")
    confirmed(browser, "alice", browser.get("/console/plans/cancel"))
    return browser
