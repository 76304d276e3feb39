"""The lines of an invoice, and what a part of a period costs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

from config.fake_stripe.account import Account
from config.fake_stripe.wire import Obj


@dataclass(frozen=True, slots=True)
class Held:
    """What a subscription item was at an instant: enough to say what its time is worth."""

    item: str
    price: Obj
    quantity: int
    start: int
    end: int

    @property
    def amount(self) -> Decimal:
        """What the whole period costs, in cents."""
        return Decimal(self.price["unit_amount_decimal"]) * self.quantity


def held(item: Obj) -> Held:
    """Remember an item as it is."""
    return Held(item["id"], item["price"], item["quantity"], item["current_period_start"], item["current_period_end"])


def whole(amount: Decimal) -> int:
    """Round to whole cents, half of one up."""
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def line(
    account: Account,
    of: Held,
    *,
    subscription: str | None,
    amount: int,
    says: str,
    period: tuple[int, int],
    proration: bool = False,
) -> Obj:
    """Write one line. amount: in cents, below zero for what is given back. period: Unix seconds."""
    return {
        "id": account.new_id("il_"),
        "object": "line_item",
        "amount": amount,
        "currency": of.price["currency"],
        "description": says,
        "discount_amounts": [],
        "discountable": not proration,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": account.new_id("ii_") if proration else None,
                "proration": proration,
                "proration_details": {"credited_items": None},
                "subscription": subscription,
                "subscription_item": of.item,
            },
            "type": "subscription_item_details",
        },
        "period": {"start": period[0], "end": period[1]},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": of.price["id"], "product": of.price["product"]},
            "type": "price_details",
            "unit_amount_decimal": of.price["unit_amount_decimal"],
        },
        "quantity": of.quantity,
        "subscription": subscription,
        "subtotal": amount,
        "taxes": [],
    }


def period_line(account: Account, subscription: Obj, of: Held) -> Obj:
    """Write the line of a whole period; a trial's costs nothing."""
    name = product_name(account, of.price)
    if subscription["status"] == "trialing":
        says, amount = f"Trial period for {name}", 0
    else:
        unit = f"{Decimal(of.price['unit_amount_decimal']) / 100:.2f}"
        every = of.price["recurring"]["interval"]
        says, amount = f"{of.quantity} × {name} (at {unit} {of.price['currency'].upper()} / {every})", whole(of.amount)  # noqa: RUF001 - as Stripe writes it
    return line(account, of, subscription=subscription["id"], amount=amount, says=says, period=(of.start, of.end))


def prorations(
    account: Account, subscription: str, before: Iterable[Held], after: Iterable[Held], at: int
) -> list[Obj]:
    """Write what a change at an instant gives back and what it costs, to the second.

    Items that stayed as they were have no line. Nothing is given back for a trial: its time cost nothing.
    """
    old, new = {one.item: one for one in before}, {one.item: one for one in after}
    made = []
    for name, was in old.items():
        if new.get(name) != was and was.end > at:
            share = Decimal(was.end - max(at, was.start)) / Decimal(was.end - was.start)
            says = f"Unused time on {_counted(account, was)} after {_day(at)}"
            made.append(_part(account, subscription, was, -whole(was.amount * share), says, at))
    for name, now in new.items():
        if old.get(name) != now and now.end > at:
            share = Decimal(now.end - max(at, now.start)) / Decimal(now.end - now.start)
            says = f"Remaining time on {_counted(account, now)} after {_day(at)}"
            made.append(_part(account, subscription, now, whole(now.amount * share), says, at))
    return made


def _part(account: Account, subscription: str, of: Held, amount: int, says: str, at: int) -> Obj:
    return line(account, of, subscription=subscription, amount=amount, says=says, period=(at, of.end), proration=True)


def product_name(account: Account, price: Obj) -> str:
    """Name what a price is of."""
    name: str = account.kinds["product"][price["product"]]["name"]
    return name


def _counted(account: Account, of: Held) -> str:
    name = product_name(account, of.price)
    return name if of.quantity == 1 else f"{of.quantity} × {name}"  # noqa: RUF001 - as Stripe writes it


def _day(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%d %b %Y}"
