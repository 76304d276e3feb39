"""What a change asks of the items of a subscription: pure rules over what is held, what is wanted and what is sold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

import msgspec

from billing.errors import CannotChange, NothingToChange, NotSubscribed
from billing.settling import Sold
from billing.state import State, StripeSubscription

CHANGEABLE: Final = frozenset({"active", "trialing", "past_due"})
OVER: Final = frozenset({"canceled", "incomplete_expired"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A version that can be bought, by its price at Stripe."""

    kind: str
    key: str
    version: int
    title: str
    price: str
    interval: str


def live_in(state: State) -> list[StripeSubscription]:
    """List what is not over, and so would be paid for beside whatever is begun."""
    return [one for one in state if one.status not in OVER]


def changeable(state: State, sold: Mapping[str, Sold]) -> StripeSubscription:
    """Find the one subscription that a change is of.

    :raises NotSubscribed: there is none. :raises CannotChange: there are several, or one holds an unknown price.
    """
    found = [one for one in live_in(state) if one.status in CHANGEABLE]
    if not found:
        raise NotSubscribed("There is no subscription that could be changed.")
    if len(found) > 1:
        raise CannotChange("There are several subscriptions: the vendor has to put that in order first.")
    if any(item.price not in sold for item in found[0].items):
        raise CannotChange("The subscription holds a price that is not known here.")
    if sum(sold[item.price].kind == "plan" for item in found[0].items) != 1:
        raise CannotChange("The subscription is not of exactly one plan.")
    return found[0]


def items_for(
    held: StripeSubscription, plan: Offered | None, add_ons: Sequence[Offered] | None, sold: Mapping[str, Sold]
) -> list[dict[str, Any]]:
    """Write the items of an update, as Stripe takes them.

    plan: None keeps what is held. add_ons: all that are wanted; None keeps those that are held.
    :raises NothingToChange: it is all held already.
    """
    rows: list[dict[str, Any]] = []
    kept = {sold[item.price].key for item in held.items if sold[item.price].kind == "add_on"}
    wanted = {one.key: one for one in add_ons or ()}
    for item in held.items:
        have = sold[item.price]
        if have.kind == "plan":
            if plan is not None and plan.price != item.price:
                rows.append({"id": item.id, "price": plan.price})
        elif add_ons is not None and have.key not in wanted:
            rows.append({"id": item.id, "deleted": True})
    rows += [{"price": wanted[key].price} for key in sorted(wanted.keys() - kept)]
    if not rows:
        raise NothingToChange("That is what is paid for already.")
    return rows


def items_after(held: StripeSubscription, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """List price and quantity of the items that a subscription is of once ``rows`` are applied."""
    changed = {row["id"]: row for row in rows if "id" in row}
    out = [
        {"price": str(changed.get(item.id, {}).get("price", item.price)), "quantity": item.quantity}
        for item in held.items
        if not changed.get(item.id, {}).get("deleted")
    ]
    return out + [{"price": str(row["price"]), "quantity": 1} for row in rows if "id" not in row]


def is_lower(
    held: StripeSubscription, plan: Offered | None, add_ons: Sequence[Offered] | None, sold: Mapping[str, Sold]
) -> bool:
    """Say whether a change takes away: what was paid for then stays until the period is over.

    sold: what prices pay for, the wanted plan's too.
    """
    now = next(sold[item.price] for item in held.items if sold[item.price].kind == "plan")
    if plan is not None and sold[plan.price].rank != now.rank:
        return sold[plan.price].rank < now.rank
    kept = {sold[item.price].key for item in held.items if sold[item.price].kind == "add_on"}
    return add_ons is not None and not ({one.key for one in add_ons} - kept)


def state_digest(held: StripeSubscription) -> str:
    """Name what a subscription is and will be, so that a quote holds only for that."""
    # A schedule that plans nothing is a change that was broken off, and no other state; nor is another card.
    return sha256(msgspec.json.encode(replace(held, schedule="", card="", is_trial_given=False))).hexdigest()
