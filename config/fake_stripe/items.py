"""What a subscription is of: its items, and how a request changes them."""

from collections.abc import Iterable

from config.fake_stripe.account import Account
from config.fake_stripe.catalogue import as_plan
from config.fake_stripe.cycles import end_of_period, step
from config.fake_stripe.wire import Obj, Params, Refusal, copied

_MOST_ITEMS = 20
_OF_ITEM = ("price", "quantity", "metadata", "plan")


def new_item(
    account: Account, subscription: str, price: Obj, quantity: int, metadata: Obj, period: tuple[int, int], now: int
) -> Obj:
    """Write an item. period: Unix seconds."""
    return {
        "id": account.new_id("si_"),
        "object": "subscription_item",
        "billed_until": period[1],
        "billing_thresholds": None,
        "created": now,
        "current_period_end": period[1],
        "current_period_start": period[0],
        "current_trial": None,
        "discounts": [],
        "metadata": metadata,
        "plan": as_plan(price),
        "price": price,
        "quantity": quantity,
        "subscription": subscription,
        "tax_rates": [],
    }


def priced(account: Account, row: Params) -> Obj:
    """Find the price that an item shall have.

    :raises Refusal: there is none such, it is for one time, or it is not sold any more.
    """
    name = row.text("price") or row.needed("plan" if "plan" in row else "price")
    price = account.named("price", name, row.named("price"))
    if price["recurring"] is None:
        raise Refusal(
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.",
            param=row.named("price"),
        )
    if not price["active"]:
        raise Refusal(
            "The price specified is inactive. This field only accepts active prices.", param=row.named("price")
        )
    return price


def counted(row: Params) -> int | None:
    """Read a quantity.

    :raises Refusal: it is below zero.
    """
    quantity = row.whole("quantity")
    if quantity is not None and quantity < 0:
        raise Refusal("Invalid non-negative integer", code="parameter_invalid_integer", param=row.named("quantity"))
    return quantity


def first_items(
    account: Account, subscription: str, rows: Iterable[Params], start: int, anchor: int, until: int | None
) -> list[Obj]:
    """Write the items of a new subscription. until: where its trial ends; else the periods follow the anchor."""
    made = []
    for row in rows:
        row.only(*_OF_ITEM)
        price = priced(account, row)
        quantity = counted(row)
        end = until or end_of_period(anchor, price["recurring"], start)
        made.append(
            new_item(
                account, subscription, price, 1 if quantity is None else quantity, row.metadata(), (start, end), start
            )
        )
    refuse_wrong_mix(made)
    return made


def refuse_wrong_mix(items: list[Obj]) -> None:
    """Keep items to what one subscription may be of.

    :raises Refusal: there are none or too many, in more than one currency, or of one price twice.
    """
    if not items:
        raise Refusal("A subscription must have at least one active plan.", param="items")
    if len(items) > _MOST_ITEMS:
        raise Refusal("A subscription can have at most 20 items.", param="items")
    if len({item["price"]["currency"] for item in items}) > 1:
        raise Refusal("All prices on a subscription must use the same currency.", param="items")
    if len({item["price"]["id"] for item in items}) < len(items):
        raise Refusal("Cannot add multiple subscription items with the same price.", param="items")


def items_after(account: Account, subscription: Obj, rows: list[Params], at: int) -> list[Obj]:
    """Work out what the items would be after a change; those of the subscription stay as they are.

    A row without an id adds an item. One whose interval changes begins a period of its own at that instant.

    :raises Refusal: a row names an item that is not there, or what comes out may not be.
    """
    after = {item["id"]: _copy(item) for item in subscription["items"]["data"]}
    for row in rows:
        row.only("id", "deleted", "clear_usage", *_OF_ITEM)
        name = row.text("id")
        if name is None:
            made = _added(account, subscription, row, at)
            after[made["id"]] = made
            continue
        item = after.get(name)
        if item is None:
            raise Refusal(f"No such subscription item: '{name}'", code="resource_missing", param=row.named("id"))
        if row.flag("deleted"):
            del after[name]
            continue
        _change(account, subscription, item, row, at)
    left = list(after.values())
    refuse_wrong_mix(left)
    return left


def _copy(item: Obj) -> Obj:
    # Its price stays the account's own object, so that a changed price shows wherever it is.
    return {**item, "metadata": dict(item["metadata"])}


def _added(account: Account, subscription: Obj, row: Params, at: int) -> Obj:
    price = priced(account, row)
    quantity = counted(row)
    period = _period_beside(subscription, price, at)
    return new_item(account, subscription["id"], price, 1 if quantity is None else quantity, row.metadata(), period, at)


def _period_beside(subscription: Obj, price: Obj, at: int) -> tuple[int, int]:
    """Give a new item the period of its fellows of the same interval; else one of its own."""
    for item in subscription["items"]["data"]:
        if subscription["status"] == "trialing" or same_interval(item["price"], price):
            return item["current_period_start"], item["current_period_end"]
    return at, step(at, price["recurring"], 1)


def _change(account: Account, subscription: Obj, item: Obj, row: Params, at: int) -> None:
    if "price" in row or "plan" in row:
        price = priced(account, row)
        if not same_interval(price, item["price"]) and subscription["status"] != "trialing":
            item["current_period_start"], item["current_period_end"] = at, step(at, price["recurring"], 1)
            item["billed_until"] = item["current_period_end"]
        item["price"], item["plan"] = price, as_plan(price)
    if (quantity := counted(row)) is not None:
        item["quantity"] = quantity
    item["metadata"] = row.metadata(item["metadata"])


def same_interval(one: Obj, other: Obj) -> bool:
    """Say whether two prices are for the same span."""
    return all(one["recurring"][name] == other["recurring"][name] for name in ("interval", "interval_count"))


def frozen(items: list[Obj]) -> list[Obj]:
    """Copy items as they were."""
    return [copied(item) for item in items]
