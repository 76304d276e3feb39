"""Beginning to pay: a checkout is opened when somebody asks for it, and never by a refusal."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction

import audit.api
from billing.calls import call_now
from billing.customers import get_customer, unlink_deleted
from billing.errors import (
    AlreadySubscribed,
    BillingKeyReused,
    CheckoutBusy,
    CheckoutClosed,
    CustomerNotFound,
)
from billing.gateway_checkout import Till, get_till
from billing.models import Checkout
from billing.owing import customer_purpose, want_customer
from billing.returning import success_url
from billing.shelf import is_sold, offered_add_ons, offered_plan
from billing.subscribed import is_on
from billing.syncing import Clock
from billing.wanting import live_in
from isolation.api import tenant_transaction
from licensing import api as licensing

LASTS: Final = timedelta(hours=1)
OPENING: Final = timedelta(seconds=60)
"""For so long one that Stripe has not answered yet keeps others from being opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCheckout:
    """A page of Stripe's on which a person pays."""

    id: UUID
    url: str
    expires_at: datetime


def begin_checkout(
    *,
    tenant_id: UUID,
    plan: str,
    add_ons: Sequence[str] = (),
    is_trial: bool = False,
    key: str,
    by: str,
    clock: Clock,
    till: Till | None = None,
) -> OpenCheckout:
    """Open a checkout for a tenant that pays for nothing yet; the same key shows the same one again.

    Another one that is still open is closed first, so that nobody pays twice.

    is_trial: a card is taken now, and charged when the plan's days of trial are over.
    :raises BillingOff: :raises NotForSale: :raises StripeUnavailable: :raises StripeRefused:
    :raises AlreadySubscribed: the tenant has a subscription, or has just paid for one.
    :raises BillingKeyReused: the key is another purchase's. :raises CheckoutClosed: its checkout is over.
    :raises CheckoutBusy: another one is just being opened.
    :raises UnknownPlan: the plan cannot be tried. :raises TrialUsed: it was. :raises PlanHeld: another would be lost.
    """
    till = till or get_till()
    offered = [offered_plan(plan), *offered_add_ons(add_ons)]
    prices = [one.price for one in offered]
    at = clock()
    row = _find(tenant_id, key)
    if row is not None:
        if row.prices != prices or bool(row.trial_days) != is_trial:
            raise BillingKeyReused("This key was used for something else.")
        if row.closed_at is not None or row.expires_at <= at:
            raise CheckoutClosed("That checkout is over: begin another, by another key.")
        if row.url:
            return _told(row)
    days = licensing.trial_days(tenant_id=tenant_id, plan=plan, at=at) if is_trial else 0
    customer = customer_of(tenant_id=tenant_id, till=till, clock=clock)
    _close_others(tenant_id, key, till=till, at=at)
    if live_in(till.subscriptions_of(customer)):
        raise AlreadySubscribed("There is a subscription already: change that one.")
    bought = [f"{one.key}@{one.version}" for one in offered]
    row = row or _open(tenant_id, key, prices, days, by=by, bought=bought, at=at)
    said = till.create_checkout(
        customer=customer,
        prices=prices,
        tenant=str(tenant_id),
        success=success_url(),
        cancel=f"{settings.TIERGATE_BASE_URL}/console/",
        expires_at=int(row.expires_at.timestamp()),
        key=str(row.id),
        trial_days=row.trial_days,
    )
    row.session_id, row.url = str(said["id"]), str(said["url"] or "")
    with tenant_transaction(tenant_id, durable=True):
        ours = Checkout.objects.filter(tenant_id=tenant_id, id=row.id, closed_at=None)
        is_ours = bool(ours.update(session_id=row.session_id, url=row.url))
    if not is_ours:
        # Stripe took so long that another one was opened meanwhile: this one would be paid beside it.
        till.expire_checkout(row.session_id)
        raise CheckoutClosed("That checkout is over: begin another, by another key.")
    return _told(row)


def begin_trial(
    *, tenant_id: UUID, plan: str, key: str, by: str, clock: Clock, till: Till | None = None
) -> OpenCheckout | None:
    """Let a tenant try a plan for its days of trial: where it is sold online by a checkout that takes a card, else at once.

    Returns the checkout; None where the trial has begun.

    :raises UnknownPlan: no such plan is for sale, or it cannot be tried. :raises TrialUsed: it was tried before.
    :raises PlanHeld: the tenant is on a plan that it would lose. :raises SubscriptionManaged: on one that is billed.
    :raises BillingKeyReused: :raises CheckoutClosed: :raises CheckoutBusy: :raises AlreadySubscribed:
    :raises StripeUnavailable: :raises StripeRefused:
    """
    if is_on() and is_sold(plan):
        return begin_checkout(tenant_id=tenant_id, plan=plan, is_trial=True, key=key, by=by, clock=clock, till=till)
    at = clock()
    days = licensing.trial_days(tenant_id=tenant_id, plan=plan, at=at)
    licensing.start_trial(tenant_id=tenant_id, plan=plan, days=days, by=by, at=at)
    return None


def open_portal(*, tenant_id: UUID, by: str, clock: Clock, till: Till | None = None) -> str:
    """Open Stripe's page where cards are changed and invoices shown, and return its address.

    :raises BillingOff: :raises CustomerNotFound: :raises StripeUnavailable: :raises StripeRefused:
    """
    till = till or get_till()
    customer = get_customer(tenant_id=tenant_id).stripe_id
    tell(tenant_id, audit.api.Kind.BILLING_PORTAL_OPENED, by=by, at=clock(), customer=customer)
    return till.open_portal(customer=customer, back=f"{settings.TIERGATE_BASE_URL}/console/")


def customer_of(*, tenant_id: UUID, till: Till, clock: Clock) -> str:
    """Return a tenant's account at Stripe, made now where it has none yet, or where Stripe says that it was deleted.

    :raises StripeUnavailable: :raises StripeRefused:
    """
    with suppress(CustomerNotFound):
        held = get_customer(tenant_id=tenant_id).stripe_id
        if not till.gateway.is_deleted(held):
            return held
        unlink_deleted(tenant_id=tenant_id, stripe_id=held, at=clock())
    name = licensing.get_tenant(str(tenant_id)).name
    want_customer(tenant_id=tenant_id, name=name, at=clock())
    # The call that a worker would make, by the same key: whichever comes first, it is made once.
    purpose = customer_purpose(tenant_id=tenant_id)
    call_now(tenant_id=tenant_id, purpose=purpose, gateway=till.gateway, at=clock())
    return get_customer(tenant_id=tenant_id).stripe_id


def tell(tenant_id: UUID, kind: audit.api.Kind, *, by: str, at: datetime, **told: Any) -> None:
    """Tell the trail what somebody asks of Stripe, before it is asked: what came of it is told when it is read."""
    with tenant_transaction(tenant_id, durable=True):
        audit.api.append(tenant_id=tenant_id, kind=kind, at=at, payload={"by": by, **told})


def _find(tenant_id: UUID, key: str) -> Checkout | None:
    with tenant_transaction(tenant_id):
        return Checkout.objects.filter(tenant_id=tenant_id, key=key).first()


def _close_others(tenant_id: UUID, key: str, *, till: Till, at: datetime) -> None:
    """Close what is open by another key: first at Stripe, so that what was paid meanwhile is seen."""
    with tenant_transaction(tenant_id):
        other = Checkout.objects.filter(tenant_id=tenant_id, closed_at=None).exclude(key=key).first()
    if other is None:
        return
    if not other.session_id and at < other.created_at + OPENING:
        raise CheckoutBusy("Another checkout is just being opened; try again.", retry_after=2)
    if other.session_id:
        till.expire_checkout(other.session_id)
    with tenant_transaction(tenant_id, durable=True):
        Checkout.objects.filter(tenant_id=tenant_id, id=other.id).update(closed_at=at)


def _open(
    tenant_id: UUID, key: str, prices: list[str], trial_days: int, *, by: str, bought: list[str], at: datetime
) -> Checkout:
    with tenant_transaction(tenant_id, durable=True):
        row = Checkout(
            id=uuid4(),
            tenant_id=tenant_id,
            key=key,
            prices=prices,
            trial_days=trial_days,
            by=by,
            created_at=at,
            expires_at=at + LASTS,
        )
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            raise CheckoutBusy("Another checkout is just being opened; try again.", retry_after=2) from error
        audit.api.append(
            tenant_id=tenant_id,
            kind=audit.api.Kind.BILLING_CHECKOUT_BEGUN,
            at=at,
            payload={"by": by, "checkout": str(row.id), "bought": bought}
            | ({"trial_days": trial_days} if trial_days else {}),
        )
    return row


def _told(row: Checkout) -> OpenCheckout:
    return OpenCheckout(id=row.id, url=row.url, expires_at=row.expires_at)
