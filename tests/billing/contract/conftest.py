"""The contract with Stripe, kept by the fake and, where a sandbox's key is given, by Stripe itself.

A test that asks for ``shop`` runs against both. One that asks for ``fake`` turns its knobs or its clock, and runs
against it alone.
"""

import os
from collections.abc import Iterator

import pytest
import stripe

from config.fake_stripe import FakeStripe
from tests.billing.contract.receiver import SECRET, Receiver
from tests.billing.contract.shop import Shop


@pytest.fixture(scope="session")
def _lasting() -> Iterator[FakeStripe]:
    """Keep one fake for all tests that only speak to it."""
    with FakeStripe() as fake:
        yield fake


@pytest.fixture(params=["fake", "sandbox"])
def shop(request: pytest.FixtureRequest) -> Shop:
    """Be a shop in the fake, then in the sandbox."""
    if request.param == "fake":
        return of(request.getfixturevalue("_lasting"))
    key = os.environ.get("STRIPE_API_KEY", "")
    if not key.startswith("sk_test_"):
        pytest.skip("NOT PROVEN against Stripe itself: set STRIPE_API_KEY to a sandbox's sk_test_ key")
    return Shop(stripe.StripeClient(key))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().running() as running:
        yield running


@pytest.fixture
def fake(receiver: Receiver) -> Iterator[FakeStripe]:
    """Be a fake of one's own, whose webhooks go to ``receiver``."""
    with FakeStripe(webhook_url=receiver.url, webhook_secrets=(SECRET,), retry_seconds=0.01) as running:
        yield running


def of(fake: FakeStripe) -> Shop:
    """Open a shop in a fake."""
    return Shop(stripe.StripeClient(fake.key, base_addresses={"api": fake.url}, max_network_retries=0))


@pytest.fixture
def stall(fake: FakeStripe) -> Shop:
    """Be a shop in the fake of one's own."""
    return of(fake)
