"""What a state at Stripe comes to here: a pure rule over named facts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from billing.state import Item, State, StripeSubscription

# In these something is had, or will be as soon as the pause ends. In the others (unpaid, canceled, incomplete and
# incomplete_expired) nothing is paid for.
_STATUSES: Final[Mapping[str, str]] = {
    "active": "active",
    "trialing": "trialing",
    "past_due": "past_due",
    "paused": "paused",
}
_NOTHING: Final = frozenset({"unpaid", "canceled", "incomplete", "incomplete_expired"})
_BEST_FIRST: Final = ("active", "trialing", "past_due", "paused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """What a price pays for.

    kind: ``plan`` or ``add_on``. rank: as plans are offered, the cheapest first.
    grace: for how long it goes on unpaid.
    """

    kind: str
    key: str
    version: int
    rank: int
    grace: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What the tenant has, as `licensing.api.settle_subscription` takes it. plan: None for nothing that is paid for.

    problem: what a person should look at although it was settled; "" for nothing.
    """

    plan: str | None = None
    version: int | None = None
    status: str = "active"
    add_ons: tuple[tuple[str, int], ...] = ()
    external_id: str = ""
    period_start: datetime | None = None
    period_end: datetime | None = None
    trial_ends_at: datetime | None = None
    cancel_at: datetime | None = None
    grace_until: datetime | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """A state that cannot be told to the end: what the tenant has stays as it was, and somebody is called."""

    problem: str


def settle(state: State, *, sold: Mapping[str, Sold], at: datetime) -> Settled | Unsettled:
    """Say what a tenant has at an instant by what Stripe says of it.

    The plan's own grace ends by time alone; that of an add-on which is paid for apart is looked at here.

    sold: what each known price pays for. A price that is not in it never means that nothing is paid for.
    """
    strange = sorted({one.status for one in state} - _STATUSES.keys() - _NOTHING)
    if strange:
        return Unsettled(problem=f"unknown_status: {', '.join(strange)}")
    live = [one for one in state if one.status in _STATUSES]
    held = [(one, item) for one in live for item in one.items if item.quantity > 0]
    unknown = sorted({item.price for _, item in held} - sold.keys())
    if unknown:
        return Unsettled(problem=f"unknown_price: {', '.join(unknown)}")
    plans = [(one, item) for one, item in held if sold[item.price].kind == "plan"]
    best = min(plans, key=lambda one: _worth(one[0], sold[one[1].price]), default=None)
    own = "" if best is None else best[0].id
    add_ons = sorted(
        {
            (sold[item.price].key, sold[item.price].version)
            for one, item in held
            if sold[item.price].kind == "add_on"
            and _status(one) != "paused"
            and (one.id == own or not _is_over(one, item, sold[item.price], at))
        }
    )
    if best is None:
        return Settled(problem=f"add_on_without_plan: {', '.join(key for key, _ in add_ons)}" if add_ons else "")
    # The same plan twice is paid for twice: that is as odd as two plans.
    is_alone = len({one.id for one, _ in plans}) == len({sold[item.price].key for _, item in plans}) == 1
    return _settled(best[0], best[1], sold[best[1].price], add_ons, is_alone=is_alone)


def _settled(
    best: StripeSubscription, item: Item, bought: Sold, add_ons: list[tuple[str, int]], *, is_alone: bool
) -> Settled:
    status = _status(best)
    return Settled(
        plan=bought.key,
        version=bought.version,
        status=status,
        add_ons=tuple(_newest(add_ons)),
        external_id=best.id,
        period_start=item.period_start,
        period_end=item.period_end,
        trial_ends_at=best.trial_end if status == "trialing" else None,
        cancel_at=best.cancel_at,
        grace_until=_grace_end(best, item, bought) if status == "past_due" else None,
        problem="" if is_alone else "several_plans: the best of them holds",
    )


def _grace_end(one: StripeSubscription, item: Item, bought: Sold) -> datetime:
    return (one.unpaid_since or item.period_start or one.created) + bought.grace


def _is_over(one: StripeSubscription, item: Item, bought: Sold, at: datetime) -> bool:
    return _status(one) == "past_due" and _grace_end(one, item, bought) <= at


def _status(one: StripeSubscription) -> str:
    return "paused" if one.is_paused else _STATUSES[one.status]


def _worth(one: StripeSubscription, bought: Sold) -> tuple[int, int, float, str]:
    """Order plans that are had at once: what is paid before what is not, then the highest, then the newest."""
    return _BEST_FIRST.index(_status(one)), -bought.rank, -one.created.timestamp(), one.id


def _newest(add_ons: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Name each add-on once, where two versions of it are paid for."""
    return sorted(dict(add_ons).items())
