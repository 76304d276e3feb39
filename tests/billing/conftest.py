"""A catalogue with prices, the tenant acme with an account at Stripe, and a Stripe that says what it is told to."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from billing import api as billing
from billing.prices import map_price
from billing.state import Item, State, StripeSubscription
from config.billing import StripeSettings
from licensing import api as licensing
from tests import rows
from tiergate import FeatureKind, FeatureSpec, Term

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRET = "whsec_of_the_tests"
PRICES = {"price_starter": "starter", "price_business": "business", "price_seats": "more-seats"}


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def at_noon() -> datetime:
    return NOON


@pytest.fixture(autouse=True)
def _connected(settings: Any) -> None:
    settings.STRIPE = StripeSettings(key="sk_test_tiergate_fake", secrets=(SECRET,))


@pytest.fixture
def catalogue(db: None) -> None:
    """Starter, Business, and more seats; each has a price at Stripe."""
    fill_catalogue()


def fill_catalogue(*, is_mapped: bool = True) -> None:
    with licensing.edit_catalogue(by="test", at=NOON) as edit:
        edit.put_feature(FeatureSpec(key="reports", kind=FeatureKind.SWITCH))
        edit.put_feature(FeatureSpec(key="exports", kind=FeatureKind.SWITCH))
        edit.put_feature(FeatureSpec(key="seats", kind=FeatureKind.LIMIT))
        for key, kind, rank, terms in (
            ("starter", "plan", 1, (Term(feature="reports", value=True),)),
            ("business", "plan", 2, (Term(feature="reports", value=True), Term(feature="exports", value=True))),
            ("more-seats", "add_on", 1, (Term(feature="seats", limit=10),)),
        ):
            price = licensing.Price(amount=1000 * rank, currency="eur", interval="month")
            spec = licensing.PlanSpec(key=key, kind=kind, title=key.title(), rank=rank, price=price, terms=terms)
            edit.put_plan(replace(spec, trial_days=14) if key == "business" else spec)
    versions = {one.plan: one.id for one in licensing.list_priced_versions()}
    for price_id, plan in PRICES.items() if is_mapped else ():
        map_price(price=price_id, plan_version=versions[plan], by="test", at=NOON)


@pytest.fixture
def acme(db: None, worlds: rows.Worlds) -> UUID:
    """Acme, with an account at Stripe that has not been read yet; made once, then put back row by row."""
    return worlds.put_back("billing", _made)


def _made() -> UUID:
    fill_catalogue()
    tenant = licensing.put_tenant(slug="acme", name="Acme", by="test", at=NOON)[0].id
    billing.link_customer(tenant_id=tenant, stripe_id="cus_acme", by="test", at=NOON)
    return tenant


def bought(*prices: str, status: str = "active", id: str = "sub_1", **more: Any) -> StripeSubscription:  # noqa: A002 - as Stripe calls it
    """Write a subscription that was begun at noon, for a month."""
    items = tuple(
        Item(
            id=f"si_{id}_{price}",
            price=price,
            product="prod_1",
            quantity=1,
            period_start=NOON,
            period_end=NOON + timedelta(days=30),
        )
        for price in prices
    )
    return StripeSubscription(**{"id": id, "status": status, "created": NOON, "items": items, **more})


class Said:
    """A Stripe that says of every customer what it was told to; before each answer it does what it was told to do."""

    def __init__(self, *state: StripeSubscription) -> None:
        self.state: State = state
        self.asked = 0
        self.meanwhile: Callable[[int], None] = lambda _number: None

    def subscriptions_of(self, customer: str) -> State:
        assert customer.startswith("cus_")
        self.asked += 1
        answer = self.state
        self.meanwhile(self.asked)
        return answer


def event(
    id: str = "evt_1",  # noqa: A002 - as Stripe calls it
    *,
    customer: str | None = "cus_acme",
    type: str = "customer.subscription.updated",  # noqa: A002 - as above
    **more: Any,
) -> bytes:
    """Write a snapshot event as Stripe sends it: indented."""
    about: dict[str, Any] = {"id": "sub_1", "object": "subscription", "customer": customer}
    said = {
        "id": id,
        "object": "event",
        "type": type,
        "created": int(NOON.timestamp()),
        "livemode": False,
        "data": {"object": about},
    }
    return json.dumps({**said, **more}, indent=2).encode()


def plan_of(tenant_id: UUID, at: datetime = NOON) -> tuple[str, str] | None:
    """Tell what a tenant is on, and in which status; None for nothing."""
    try:
        found = licensing.get_subscription(tenant_id=tenant_id, at=at)
    except licensing.SubscriptionNotFound:
        return None
    return found.plan, found.status
