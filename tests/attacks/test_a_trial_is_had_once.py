"""A plan is tried once by a tenant, from its domain and with its card, at whichever door it is asked for."""

from typing import Any
from uuid import UUID

import pytest

from billing import api as billing
from isolation.clock import now
from licensing import api as licensing
from tests.billing.account import Shop
from tests.billing.conftest import NOON, plan_of
from tests.billing.test_journeys import BY, opened, shop, tried

__all__ = ["opened", "shop"]  # fixtures


def named(slug: str, domain: str) -> UUID:
    own = {"domain": domain}
    return licensing.put_tenant(slug=slug, name=slug.title(), settings=own, by="test", at=NOON)[0].id


def test_who_has_tried_is_shown_no_checkout_that_says_free(shop: Shop) -> None:
    tenant, held = tried(shop, "tried-and-left", card="pm_card_amex")
    shop.v1.subscriptions.cancel(held.id)
    billing.sync_tenant(tenant_id=tenant, gateway=shop.gateway, clock=now)
    before = shop.stripe.state()["calls"]
    with pytest.raises(licensing.TrialUsed):
        billing.begin_trial(tenant_id=tenant, plan="business", key="again", by=BY, clock=now)
    assert shop.stripe.state()["calls"] == before


def test_a_trial_at_stripe_from_a_domain_that_has_tried_grants_nothing(shop: Shop) -> None:
    first, again = named("first-of-it", "tried.example"), named("second-of-it", "www.Tried.example")

    def try_there(tenant: UUID, **card: Any) -> None:
        customer = shop.customer(str(tenant), tenant_id=tenant, **card)
        billing.link_customer(tenant_id=tenant, stripe_id=customer, by="test", at=NOON)
        shop.subscribe(customer, "business", trial_period_days=7)
        billing.sync_tenant(tenant_id=tenant, gateway=shop.gateway, clock=now)

    try_there(first)
    try_there(again, card="pm_card_mastercard")
    assert (plan_of(first, now()), plan_of(again, now())) == (("business", "trialing"), ("business", "paused"))
    assert not licensing.entitlements_at(tenant_id=again, at=now())["exports"].is_granted
