"""What would Stripe do? A small one of our own, for tests and the demo: the API, its webhooks, and their faults.

The official library speaks to it: ``StripeClient(key, base_addresses={"api": fake.url})``. It listens on this machine
alone, takes no real card, and has knobs (``POST /_knobs``) for what goes wrong between two companies.
"""

from config.fake_stripe.server import FakeStripe

__all__ = ["FakeStripe"]
