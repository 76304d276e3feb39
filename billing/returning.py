"""Whoever comes back from a checkout: the same sync as for a webhook, so that neither has to be first."""

import threading
from enum import StrEnum
from typing import Final, Protocol

from django.conf import settings

from billing import dirty
from billing.customers import find_customer
from billing.errors import BillingOff, StripeRefused, StripeUnavailable
from billing.gateway import Reader, get_gateway
from billing.syncing import Clock, Result, sync_tenant

AT_ONCE: Final = 4
_seats = threading.BoundedSemaphore(AT_ONCE)
"""Of a process's threads only so many wait for Stripe on behalf of an open page; who finds none is asked to wait."""


class Arrival(StrEnum):
    """What a person is told who comes from a checkout."""

    SETTLED = "settled"
    WAITING = "waiting"
    UNKNOWN = "unknown"


class Checkouts(Reader, Protocol):
    """What is asked of Stripe."""

    def customer_of(self, object_id: str) -> str:
        """Find whose an object is; "" for nobody's."""


def arrive(*, session: str, clock: Clock, gateway: Checkouts | None = None) -> Arrival:
    """Read the state of whoever paid in a checkout, and say whether all of it has been read.

    session: the id of a checkout at Stripe, as it stands in the address.
    """
    if not _seats.acquire(blocking=False):
        return Arrival.WAITING
    try:
        return _arrive(session, gateway or get_gateway(), clock)
    except StripeUnavailable:
        return Arrival.WAITING
    except (StripeRefused, BillingOff):
        return Arrival.UNKNOWN
    finally:
        _seats.release()


def success_url() -> str:
    """Return where a checkout sends whoever has paid; Stripe fills the braces in."""
    return f"{settings.TIERGATE_BASE_URL}/billing/paid?session_id={{CHECKOUT_SESSION_ID}}"


def _arrive(session: str, gateway: Checkouts, clock: Clock) -> Arrival:
    stripe_id = gateway.customer_of(session)
    customer = find_customer(stripe_id=stripe_id) if stripe_id else None
    if customer is None:
        return Arrival.UNKNOWN
    # Marked first: where somebody else is just reading, they read again.
    dirty.mark([stripe_id], at=clock(), is_urgent=True)
    result = sync_tenant(tenant_id=customer.tenant_id, gateway=gateway, clock=clock)
    return Arrival.SETTLED if result in {Result.SETTLED, Result.HELD} else Arrival.WAITING
