"""Changing what is paid for: by a quote and at its price, at once or at the end of the period; ending it; going on."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import audit.api
from audit.api import Kind
from billing import dirty
from billing.buying import tell
from billing.customers import get_customer
from billing.errors import (
    CannotChange,
    ChangeBusy,
    EndSet,
    NothingToChange,
    PaymentDeclined,
    QuoteStale,
    QuoteUsed,
    StripeRefused,
)
from billing.gateway_checkout import Till, get_till
from billing.models import Customer, Quote, QuoteWhen
from billing.quoting import get_quote, held_by, period_end
from billing.state import StripeSubscription
from billing.syncing import Clock, Result, sync_tenant
from billing.wanting import items_after, state_digest
from isolation.api import tenant_transaction
from tiergate import TiergateError

MAKING: Final = timedelta(seconds=60)
"""For so long a change that Stripe has not answered yet keeps others from being made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What came of a change.

    effective_at: None for at once. charged: in minor units; None where nothing was. is_settled: it has been read
    back, so that whoever asks next is answered by it; else whatever was read after ``ordered_at`` has it.
    """

    when: str
    effective_at: datetime | None
    charged: int | None
    is_settled: bool
    ordered_at: datetime = field(compare=False)


def apply_quote(
    *, tenant_id: UUID, quote_id: UUID, key: str, by: str, clock: Clock, till: Till | None = None
) -> Changed:
    """Make the change of a quote, at its price; the same key again is answered as before, and nothing is done twice.

    :raises BillingOff: :raises QuoteNotFound: :raises QuoteUsed: another key used it, or it came to nothing.
    :raises QuoteStale: it is too old, or the subscription has changed since.
    :raises ChangeBusy: another change is just being made; the quote stays as it is.
    :raises PaymentDeclined: the card was not charged, and nothing was changed; the quote is used up by it.
    :raises StripeUnavailable: whether it was done is not known: ask again by the same key. :raises StripeRefused:
    """
    till = till or get_till()
    quote, is_again = _claim(tenant_id, quote_id, key, by=by, at=clock())
    if quote.answer is None:
        try:
            answer = _make(quote, till, is_again=is_again)
        except (PaymentDeclined, StripeRefused, QuoteStale, CannotChange) as refused:
            _end(quote, by=by, at=clock(), refused=refused)
            raise
        _end(quote, by=by, at=clock(), answer=answer)
        quote.answer = answer
    ordered_at = clock()
    return Changed(
        when=quote.when,
        effective_at=_instant(quote.answer["effective_at"]),
        charged=quote.answer["charged"],
        is_settled=read_back(tenant_id, till, clock),
        ordered_at=ordered_at,
    )


def cancel(*, tenant_id: UUID, by: str, clock: Clock, till: Till | None = None) -> Changed:
    """Have a tenant's subscription end with the period that is paid for; one that is ending already stays so.

    What was planned for then is dropped.

    :raises BillingOff: :raises NotSubscribed: :raises CannotChange: :raises StripeUnavailable: :raises StripeRefused:
    """
    till = till or get_till()
    held, _sold = held_by(tenant_id, till)
    if held.cancel_at is None:
        tell(tenant_id, Kind.BILLING_CANCEL_ORDERED, by=by, at=clock(), subscription=held.id)
        if held.schedule:
            till.drop_schedule(held.schedule)
        till.set_ending(subscription=held.id, is_ending=True)
    ordered_at = clock()
    return Changed(
        when=QuoteWhen.PERIOD_END,
        effective_at=held.cancel_at or period_end(held),
        charged=None,
        is_settled=read_back(tenant_id, till, clock),
        ordered_at=ordered_at,
    )


def resume(*, tenant_id: UUID, by: str, clock: Clock, till: Till | None = None) -> Changed:
    """Have a tenant's subscription go on as it is: it does not end, and what was planned does not happen.

    :raises BillingOff: :raises NotSubscribed: :raises CannotChange: :raises StripeUnavailable: :raises StripeRefused:
    :raises NothingToChange: it goes on as it is anyway. :raises EndSet: it ends on another day than its period does.
    """
    till = till or get_till()
    held, _sold = held_by(tenant_id, till)
    if held.cancel_at is None and not held.schedule:
        raise NothingToChange("It goes on as it is anyway.")
    if held.cancel_at is not None and held.cancel_at not in {item.period_end for item in held.items}:
        # Whoever ends it here, or on Stripe's page, ends it with its period.
        raise EndSet("The vendor has set the day on which this ends: ask them.")
    tell(tenant_id, Kind.BILLING_RESUME_ORDERED, by=by, at=clock(), subscription=held.id)
    if held.schedule:
        till.drop_schedule(held.schedule)
    if held.cancel_at is not None:
        till.set_ending(subscription=held.id, is_ending=False)
    ordered_at = clock()
    return Changed(
        when=QuoteWhen.NOW,
        effective_at=None,
        charged=None,
        is_settled=read_back(tenant_id, till, clock),
        ordered_at=ordered_at,
    )


def read_back(tenant_id: UUID, till: Till, clock: Clock) -> bool:
    """Read what a journey has changed before its person goes on, and say whether all of it has been."""
    customer = get_customer(tenant_id=tenant_id).stripe_id
    # Marked first: where somebody else is just reading, they read again, and where this fails, a worker does.
    dirty.mark([customer], at=clock(), is_urgent=True)
    result = sync_tenant(tenant_id=tenant_id, gateway=till, clock=clock)
    return result in {Result.SETTLED, Result.HELD}


def _claim(tenant_id: UUID, quote_id: UUID, key: str, *, by: str, at: datetime) -> tuple[Quote, bool]:
    """Use a quote up for a key, told in the same transaction, or find it again; and say whether the key had it."""
    with tenant_transaction(tenant_id, durable=True):
        # One after the other: two quotes are of one state, and whichever comes second would cost another price.
        Customer.objects.select_for_update(no_key=True).filter(tenant_id=tenant_id).first()
        quote = get_quote(tenant_id=tenant_id, quote_id=quote_id)
        if quote.used_at is not None and (quote.used_key != key or quote.refused):
            raise QuoteUsed("This quote was used already: ask for another.")
        is_new = quote.used_at is None
        if is_new and quote.expires_at <= at:
            raise QuoteStale("This quote is too old: ask for another.")
        if quote.answer is None:
            _refuse_busy(quote, at=at)
            quote.used_at, quote.used_key = at, key
            quote.save(update_fields=["used_at", "used_key"])
        if is_new:
            audit.api.append(
                tenant_id=tenant_id,
                kind=Kind.BILLING_CHANGE_ORDERED,
                at=at,
                payload={
                    "by": by,
                    "quote": str(quote.id),
                    "when": quote.when,
                    "versions": [f"{kind}:{name}@{number}" for kind, name, number in quote.wanted["versions"]],
                    "amount_due": quote.cost["amount_due"],
                    "currency": quote.cost["currency"],
                },
            )
    return quote, not is_new


def _refuse_busy(quote: Quote, *, at: datetime) -> None:
    """Refuse while Stripe makes another change of the tenant.

    :raises ChangeBusy: it does.
    """
    asked = Quote.objects.filter(tenant_id=quote.tenant_id, used_at__gt=at - MAKING, answer__isnull=True, refused="")
    if asked.exclude(id=quote.id).exists():
        raise ChangeBusy("Another change is just being made; try again.", retry_after=2)


def _make(quote: Quote, till: Till, *, is_again: bool) -> dict[str, Any]:
    """Have Stripe make the change, of the very subscription that was quoted.

    It is asked by the quote's own id, so that an answer that was lost is given again. is_again: it was asked before,
    and may have been made; whoever asks for the first time finds nothing made by them.
    """
    key = f"quote-{quote.id}"
    held, _sold = held_by(quote.tenant_id, till)
    is_now = quote.when == QuoteWhen.NOW
    is_made = is_again and (_is_of(held, quote) if is_now else _is_planned(held, quote))
    if held.id != quote.subscription or not (is_made or state_digest(held) == quote.state):
        raise QuoteStale("The subscription has changed since: ask for another quote.")
    if is_now:
        return _make_now(quote, held, till, key, is_made=is_made)
    if not is_made:
        till.change_later(
            subscription=held.id,
            schedule=held.schedule,
            items=items_after(held, quote.items),
            interval=quote.wanted["interval"],
            key=key,
        )
    end = period_end(held)
    return {"effective_at": None if end is None else end.isoformat(), "charged": None}


def _make_now(quote: Quote, held: StripeSubscription, till: Till, key: str, *, is_made: bool) -> dict[str, Any]:
    if held.schedule and not is_made:
        # It plans nothing, or the state would be another: a change that was broken off.
        till.drop_schedule(held.schedule)
    said = till.change_now(subscription=held.id, items=quote.items, proration_date=quote.proration_date, key=key)
    invoice = said.get("latest_invoice") or {}
    charged = int(invoice["amount_due"]) if isinstance(invoice, dict) and "amount_due" in invoice else None
    return {"effective_at": None, "charged": charged}


def _is_of(held: StripeSubscription, quote: Quote) -> bool:
    return sorted(item.price for item in held.items) == sorted(quote.wanted["prices"])


def _is_planned(held: StripeSubscription, quote: Quote) -> bool:
    return bool(held.schedule) and sorted(held.upcoming) == sorted(quote.wanted["prices"])


def _end(
    quote: Quote, *, by: str, at: datetime, answer: dict[str, Any] | None = None, refused: TiergateError | None = None
) -> None:
    """Write down what came of a quote; what came to nothing is told, since it was ordered."""
    with tenant_transaction(quote.tenant_id, durable=True):
        rows = Quote.objects.filter(tenant_id=quote.tenant_id, id=quote.id)
        rows.update(answer=answer, refused="" if refused is None else refused.code)
        if refused is not None:
            audit.api.append(
                tenant_id=quote.tenant_id,
                kind=Kind.BILLING_CHANGE_REFUSED,
                at=at,
                payload={"by": by, "quote": str(quote.id), "why": refused.code},
            )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
