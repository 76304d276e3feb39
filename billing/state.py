"""What Stripe says of a customer's subscriptions, as values: what is read of them, and nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

PAST_DUE: Final = "past_due"
TRIALING: Final = "trialing"
_OF_PERIODS: Final = frozenset({"subscription_create", "subscription_cycle"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One price of a subscription. quantity: 0 where nothing is had of it."""

    id: str
    price: str
    product: str
    quantity: int
    period_start: datetime | None
    period_end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeSubscription:
    """One subscription.

    status: Stripe's own word. is_paused: its invoices are voided for the time being.
    unpaid_since: while it is past due, when the first of the invoices that nobody has paid was written.
    card: the fingerprint of its own card while it is tried, by which who tries again is known; "" for none.
    is_trial_given: the vendor has written at Stripe that this trial is meant, whoever has tried before.
    schedule: the id of what will change it, or ""; upcoming: when, and to which prices.
    """

    id: str
    status: str
    created: datetime
    items: tuple[Item, ...]
    is_paused: bool = False
    cancel_at: datetime | None = None
    trial_end: datetime | None = None
    unpaid_since: datetime | None = None
    schedule: str = ""
    upcoming_at: datetime | None = None
    upcoming: tuple[str, ...] = ()
    card: str = ""
    is_trial_given: bool = False


TRIAL_GIVEN: Final = "tiergate.trial"
"""Of a subscription's metadata: ``given`` where the vendor means a trial for somebody who has tried before."""

type State = tuple[StripeSubscription, ...]


def read_subscription(
    said: Mapping[str, Any], items: Iterable[Mapping[str, Any]], invoices: Iterable[Mapping[str, Any]] = ()
) -> StripeSubscription:
    """Read a subscription as Stripe's API writes it, version 2026-10-28: periods are the items'.

    items: all of them, from however many pages. invoices: its own, the newest first; read only while it is past due.
    """
    read = tuple(_item(one) for one in items)
    ends = [one.period_end for one in read if one.period_end is not None]
    cancel_at = instant(said.get("cancel_at"))
    if cancel_at is None and said.get("cancel_at_period_end"):
        cancel_at = max(ends, default=None)
    pausing = said.get("pause_collection") or {}
    schedule = said.get("schedule") or ""
    upcoming_at, upcoming = _upcoming(schedule) if isinstance(schedule, Mapping) else (None, ())
    return StripeSubscription(
        id=str(said["id"]),
        status=str(said["status"]),
        created=_instant(said["created"]),
        items=tuple(sorted(read, key=lambda one: one.id)),
        # With the other behaviours the vendor gives what is not paid for; with this one it gives nothing.
        is_paused=pausing.get("behavior") == "void",
        cancel_at=cancel_at,
        trial_end=instant(said.get("trial_end")),
        unpaid_since=_unpaid_since(invoices),
        schedule=str(schedule.get("id", "")) if isinstance(schedule, Mapping) else str(schedule),
        upcoming_at=upcoming_at,
        upcoming=upcoming,
        card=_card(said.get("default_payment_method")) if said["status"] == TRIALING else "",
        is_trial_given=(said.get("metadata") or {}).get(TRIAL_GIVEN) == "given",
    )


def state_json(state: State) -> dict[str, Any]:
    """Write a state for the database."""
    return {"subscriptions": msgspec.to_builtins(list(state))}


def state_of(written: Any) -> State:
    """Read what ``state_json`` wrote."""
    return msgspec.convert(written["subscriptions"], tuple[StripeSubscription, ...])


def instant(seconds: Any) -> datetime | None:
    """Read seconds since 1970, as Stripe writes instants; None stays None."""
    return None if seconds is None else _instant(seconds)


def _instant(seconds: Any) -> datetime:
    return datetime.fromtimestamp(int(seconds), tz=UTC)


def _item(said: Mapping[str, Any]) -> Item:
    price = said["price"]
    quantity = said.get("quantity")
    return Item(
        id=str(said["id"]),
        price=str(price["id"]),
        product=_id_of(price.get("product")),
        # What is metered has no quantity, and is had.
        quantity=1 if quantity is None else int(quantity),
        period_start=instant(said.get("current_period_start")),
        period_end=instant(said.get("current_period_end")),
    )


def _id_of(said: Any) -> str:
    """Read an id, of an object that may be written out."""
    return str(said["id"]) if isinstance(said, Mapping) else str(said or "")


def _unpaid_since(invoices: Iterable[Mapping[str, Any]]) -> datetime | None:
    """Find the first unpaid invoice since a whole period was paid for.

    Stripe goes on writing invoices while nobody pays, and what is bought in between is soon paid: neither begins
    the grace anew.
    """
    since = None
    for one in invoices:
        if one["status"] == "paid" and one["total"] > 0 and one.get("billing_reason") in _OF_PERIODS:
            break
        if one["status"] in {"open", "uncollectible"}:
            finalized = (one.get("status_transitions") or {}).get("finalized_at")
            since = instant(finalized or one.get("created"))
    return since


def _card(method: Any) -> str:
    return str((method.get("card") or {}).get("fingerprint") or "") if isinstance(method, Mapping) else ""


def _upcoming(schedule: Mapping[str, Any]) -> tuple[datetime | None, tuple[str, ...]]:
    """Find the phase after the one that runs."""
    running = (schedule.get("current_phase") or {}).get("end_date")
    if running is None or schedule.get("status") != "active":
        return None, ()
    for phase in schedule.get("phases") or ():
        if phase["start_date"] >= running:
            return _instant(phase["start_date"]), tuple(sorted(_id_of(one["price"]) for one in phase["items"]))
    return None, ()
