"""What a change costs, in words. Pure: a quote and prices in, sums out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authlevels import api as authlevels
from billing import api as billing
from console.plan.wording import price
from licensing import api as licensing


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What is paid.

    today: "" for nothing. credit: what is kept for the next invoice, "" for nothing. lines: what today's sum is made
    of. regular: what is paid each time; since: from when, where that is known.
    """

    today: str
    credit: str
    lines: tuple[tuple[str, str], ...]
    regular: str
    since: datetime | None


def bill_of_quote(quote: billing.QuoteView, prices: Iterable[licensing.Price | None]) -> Bill:
    """Say what a change costs. prices: of all that would be held."""
    cost = quote.cost
    is_now = quote.effective_at is None
    currency = str(cost["currency"])
    return Bill(
        today=_sum(cost["amount_due"], currency) if is_now and cost["amount_due"] else "",
        credit=_sum(cost["credit"], currency) if is_now and cost["credit"] else "",
        lines=tuple((one["description"], _sum(one["amount"], currency)) for one in cost["lines"]) if is_now else (),
        regular=regular(prices),
        since=_next_payment(cost["lines"]) if is_now else quote.effective_at,
    )


def bill_of_checkout(prices: Iterable[licensing.Price | None]) -> Bill:
    """Say what a first purchase costs: each time the same, from today on."""
    said = regular(prices)
    return Bill(today="", credit="", lines=(), regular=said, since=None)


def regular(prices: Iterable[licensing.Price | None]) -> str:
    """Write what prices come to each time, those of one rhythm together."""
    sums: dict[tuple[str, str], int] = {}
    for one in prices:
        if one is None:
            return price(None, "", "")
        rhythm = one.currency, one.interval
        sums[rhythm] = sums.get(rhythm, 0) + one.amount
    return " and ".join(price(amount, *rhythm) for rhythm, amount in sorted(sums.items()))


def _next_payment(lines: Iterable[dict[str, Any]]) -> datetime | None:
    """Tell until when the change is paid for with what it costs now."""
    ends = [one["to"] for one in lines if one["amount"] > 0 and one.get("to")]
    return datetime.fromisoformat(max(ends)) if ends else None


def _sum(minor: int, currency: str) -> str:
    return authlevels.written_sum(minor, currency.upper())
