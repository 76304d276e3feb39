"""Olga operates Tiergate and has just confirmed it; Acme is on Business, at Stripe, and something of it went wrong."""

from typing import Any
from uuid import UUID

import pyotp
import pytest
from django.test import Client

from billing import api as billing
from config.billing import StripeSettings
from isolation import clock
from licensing import api as licensing
from riskengine import api as riskengine
from tests.billing.conftest import NOON
from tests.billing.conftest import SECRET as STRIPE_SECRET
from tests.console.test_the_operators_pages import SECRET
from tests.console.test_the_operators_pages import olga as _olga
from tiergate import FeatureKind, FeatureSpec, Level, Requirement, Term

olga = _olga
EXPORTS = Term(feature="exports", value=True, requirement=Requirement(level=Level.AAL2))


def fill_catalogue() -> None:
    """Sell Starter and Business, of three features of three kinds."""
    with licensing.edit_catalogue(by="test", at=clock.now()) as edit:
        edit.put_feature(FeatureSpec(key="exports", kind=FeatureKind.SWITCH, title="Exports"))
        edit.put_feature(FeatureSpec(key="projects", kind=FeatureKind.LIMIT, title="Projects"))
        edit.put_feature(FeatureSpec(key="theme", kind=FeatureKind.CONFIG, title="Theme"))
        for rank, (key, terms) in enumerate(
            (
                ("starter", (Term(feature="projects", limit=3),)),
                ("business", (EXPORTS, Term(feature="projects", limit=10), Term(feature="theme", value="dark"))),
            )
        ):
            edit.put_plan(licensing.PlanSpec(key=key, title=key.title(), rank=rank, terms=terms))


@pytest.fixture
def operator(olga: Client, settings: Any) -> Client:
    """Olga's browser, in which she has just shown her second factor."""
    settings.STRIPE = StripeSettings(key="sk_test_tiergate_fake", secrets=(STRIPE_SECRET,))
    path = olga.get("/operator/", follow=True).redirect_chain[-1][0]
    passed = olga.post(path.split("?")[0], {"method": "totp", "code": pyotp.TOTP(SECRET).now()})
    assert passed.status_code in {302, 303}, passed.content
    return olga


@pytest.fixture
def acme(operator: Client) -> UUID:
    """Acme is on Business, and has an account at Stripe."""
    at = clock.now()
    fill_catalogue()
    found = licensing.get_tenant("acme").id
    licensing.put_subscription(tenant_id=found, plan="business", by="account:olga", at=at)
    billing.link_customer(tenant_id=found, stripe_id="cus_acme", by="test", at=NOON)
    return found


def carry_over(operator: Client, page: Any) -> None:
    """Go on with Olga's session in a real browser; that it looks like somebody else's is true, and asks nothing here."""
    riskengine.put_policy(tenant_id=licensing.VENDOR_TENANT_ID, mode="observe", by="test", at=clock.now())
    page.goto("/")
    page.context.add_cookies([{"name": "tiergate", "value": operator.cookies["tiergate"].value, "url": page.url}])
