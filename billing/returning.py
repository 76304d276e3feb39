"""Whoever comes back from a checkout: the same sync as for a webhook, so that neither has to be first."""

import threading
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.conf import settings

from billing import dirty
from billing.customers import get_customer
from billing.errors import BillingOff, CustomerNotFound, StripeRefused, StripeUnavailable
from billing.gateway import Reader, get_gateway
from billing.models import Checkout
from billing.subscribed import billing_state
from billing.syncing import Clock, Result, sync_tenant

SWEEP: Final = "sweep"
HAD: Final = frozenset({"active", "trialing"})
AT_ONCE: Final = 4
_seats = threading.BoundedSemaphore(AT_ONCE)
"""Of a process's threads only so many wait for Stripe on behalf of an open page; who finds none is asked to wait."""


class Arrival(StrEnum):
    """What a person is told who comes from a checkout."""

    SETTLED = "settled"
    WAITING = "waiting"
    UNKNOWN = "unknown"


def arrive(*, session: str, clock: Clock, gateway: Reader | None = None) -> Arrival:
    """Read the state of whoever paid in a checkout, and say whether all of it has been read.

    session: the id of a checkout, as it stands in the address. Stripe is asked only while one that was opened here waits
    for what it brings: whoever makes ids up, or comes again and again, costs no call.
    """
    if not _seats.acquire(blocking=False):
        return Arrival.WAITING
    try:
        return _arrive(session, gateway or get_gateway(), clock)
    except StripeUnavailable:
        return Arrival.WAITING
    except (StripeRefused, BillingOff, CustomerNotFound):
        return Arrival.UNKNOWN
    finally:
        _seats.release()


def success_url() -> str:
    """Return where a checkout sends whoever has paid; Stripe fills the braces in."""
    return f"{settings.TIERGATE_BASE_URL}/billing/paid?session_id={{CHECKOUT_SESSION_ID}}"


def _arrive(session: str, gateway: Reader, clock: Clock) -> Arrival:
    tenant_id = _whose(session)
    if tenant_id is None:
        return Arrival.UNKNOWN
    if _is_read(tenant_id):
        return Arrival.SETTLED
    # Marked first: where somebody else is just reading, they read again.
    dirty.mark([get_customer(tenant_id=tenant_id).stripe_id], at=clock(), is_urgent=True)
    result = sync_tenant(tenant_id=tenant_id, gateway=gateway, clock=clock)
    return Arrival.SETTLED if result in {Result.SETTLED, Result.HELD} else Arrival.WAITING


def _whose(session: str) -> UUID | None:
    """Find who was to pay in a checkout that was opened here and not overtaken; Stripe is not asked for strangers."""
    open_here = Checkout.objects.using(SWEEP).filter(session_id=session, closed_at__isnull=True)
    return open_here.values_list("tenant_id", flat=True).first()


def _is_read(tenant_id: UUID) -> bool:
    """Say whether what a checkout brings was read: it was opened for somebody who had nothing."""
    state = billing_state(tenant_id=tenant_id)
    return state is not None and state.status in HAD and get_customer(tenant_id=tenant_id).is_settled
