"""What a change would cost, worked out by Stripe, and kept so that exactly that is charged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from billing.customers import get_customer
from billing.errors import CannotChange, CustomerNotFound, NotSubscribed, QuoteNotFound
from billing.gateway_checkout import Till, get_till
from billing.models import Quote, QuoteWhen
from billing.prices import sold_by
from billing.shelf import interval_of, offered_add_ons, offered_plan
from billing.state import PAST_DUE, TRIALING, StripeSubscription, instant
from billing.syncing import Clock
from billing.wanting import changeable, is_lower, items_after, items_for, state_digest
from isolation.api import tenant_transaction

LASTS: Final = timedelta(minutes=15)
MOST_LINES: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteView:
    """What a change would cost.

    versions: kind, key and number of all that would be held. effective_at: None for at once.
    cost: ``amount_due``, ``credit``, ``currency``, ``lines``: what is charged when it takes effect, in minor units.
    """

    id: UUID
    when: str
    versions: tuple[tuple[str, str, int], ...]
    cost: dict[str, Any]
    effective_at: datetime | None
    expires_at: datetime


def quote_change(
    *,
    tenant_id: UUID,
    plan: str | None = None,
    add_ons: Sequence[str] | None = None,
    when: str | None = None,
    by: str,
    clock: Clock,
    till: Till | None = None,
) -> QuoteView:
    """Reckon what a change of a tenant's subscription would cost, and keep that for a quarter of an hour.

    plan: the one on sale by that key; None keeps what is held. add_ons: all that are wanted; None keeps them.
    when: None for at once where something is added, and at the end of the period where it is taken away, or of a trial.
    :raises BillingOff: :raises NotForSale: :raises NotSubscribed: :raises CannotChange: :raises NothingToChange:
    :raises StripeUnavailable: :raises StripeRefused:
    """
    till = till or get_till()
    at = clock()
    wanted = offered_plan(plan) if plan is not None else None
    beside = None if add_ons is None else offered_add_ons(add_ons)
    held, sold = held_by(tenant_id, till, also=[one.price for one in (wanted, *(beside or ())) if one])
    rows = items_for(held, wanted, beside, sold)
    is_waiting = held.status == TRIALING or is_lower(held, wanted, beside, sold)
    chosen = QuoteWhen(when or (QuoteWhen.PERIOD_END if is_waiting else QuoteWhen.NOW))
    is_now = chosen == QuoteWhen.NOW
    _refuse_beside(held, is_now=is_now)
    proration = int(at.timestamp())
    said = till.preview(subscription=held.id, items=rows, proration_date=proration if is_now else None)
    prices = [one["price"] for one in items_after(held, rows)]
    versions = [[sold[one].kind, sold[one].key, sold[one].version] for one in prices]
    quote = Quote(
        id=uuid4(),
        tenant_id=tenant_id,
        by=by,
        subscription=held.id,
        state=state_digest(held),
        when=chosen,
        wanted={
            "prices": prices,
            "versions": versions,
            "interval": next(interval_of(*one) for one in versions if one[0] == "plan"),
        },
        items=rows,
        proration_date=proration,
        cost=_cost(said),
        created_at=at,
        expires_at=at + LASTS,
    )
    with tenant_transaction(tenant_id, durable=True):
        quote.save(force_insert=True)
    return _told(quote, held)


def get_quote(*, tenant_id: UUID, quote_id: UUID) -> Quote:
    """Return a quote of a tenant's, within its transaction.

    :raises QuoteNotFound: there is none.
    """
    row = Quote.objects.filter(tenant_id=tenant_id, id=quote_id).first()
    if row is None:
        raise QuoteNotFound("There is no such quote.")
    return row


def held_by(tenant_id: UUID, till: Till, *, also: Sequence[str] = ()) -> tuple[StripeSubscription, dict[str, Any]]:
    """Read the subscription that changes are of, with what its prices and ``also`` pay for.

    :raises NotSubscribed: :raises CannotChange:
    """
    try:
        customer = get_customer(tenant_id=tenant_id).stripe_id
    except CustomerNotFound as error:
        raise NotSubscribed("There is no subscription that could be changed.") from error
    state = till.subscriptions_of(customer)
    sold = sold_by({*also, *(item.price for one in state for item in one.items)})
    return changeable(state, sold), sold


def period_end(held: StripeSubscription) -> datetime | None:
    """Tell when the period that is paid for ends."""
    return max((one.period_end for one in held.items if one.period_end is not None), default=None)


def _refuse_beside(held: StripeSubscription, *, is_now: bool) -> None:
    """Refuse what would quietly undo what was ordered before, or settle what is owed by something smaller.

    :raises CannotChange: a change is planned, or the end; an invoice is not paid; nothing is, since it is tried.
    """
    if is_now and held.status == TRIALING:
        # Whatever it is changed to costs nothing until the trial is over, be it what nobody may try.
        raise CannotChange("A trial is of what was begun: something else begins when it is over and paid for.")
    if is_now and held.status == PAST_DUE:
        # To Stripe a subscription is paid for as soon as its newest invoice is, be it for the smallest change.
        raise CannotChange("The last invoice is not paid: pay that first.")
    if is_now and held.upcoming:
        raise CannotChange("Another change is planned for the end of the period: take that back first.")
    if not is_now and held.cancel_at is not None:
        raise CannotChange("The subscription ends with its period: have it go on first.")


def _told(quote: Quote, held: StripeSubscription) -> QuoteView:
    return QuoteView(
        id=quote.id,
        when=quote.when,
        versions=tuple((kind, key, number) for kind, key, number in quote.wanted["versions"]),
        cost=quote.cost,
        effective_at=None if quote.when == QuoteWhen.NOW else period_end(held),
        expires_at=quote.expires_at,
    )


def _cost(said: dict[str, Any]) -> dict[str, Any]:
    total = int(said["total"])
    return {
        "amount_due": int(said["amount_due"]),
        "credit": max(0, -total),
        "currency": str(said["currency"]),
        "lines": [
            {
                "description": str(one.get("description") or ""),
                "amount": int(one["amount"]),
                "from": _iso(one["period"]["start"]),
                "to": _iso(one["period"]["end"]),
            }
            for one in said["lines"]["data"][:MOST_LINES]
        ],
    }


def _iso(seconds: Any) -> str | None:
    found = instant(seconds)
    return None if found is None else found.isoformat()
