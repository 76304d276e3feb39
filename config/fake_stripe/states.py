"""A subscription as it is, and the telling of what changes in it."""

from collections.abc import Iterator
from contextlib import contextmanager

from config.fake_stripe import entitlements
from config.fake_stripe.account import Account
from config.fake_stripe.events import changed, emit
from config.fake_stripe.wire import Obj, copied

ENDED = {"canceled", "incomplete_expired"}


@contextmanager
def changing(account: Account, subscription: Obj) -> Iterator[None]:
    """Let a subscription change, and tell once of all that did; what it entitles to follows."""
    before = copied(subscription)
    yield
    changed(account, "customer.subscription.updated", before, subscription)
    entitlements.refresh(account, subscription["customer"])


def period_of(subscription: Obj) -> tuple[int, int]:
    """Say which period a subscription is in: of items with several, the one that ends first."""
    item = min(subscription["items"]["data"], key=lambda one: int(one["current_period_end"]))
    return item["current_period_start"], item["current_period_end"]


def end(account: Account, subscription: Obj, at: int, *, status: str = "canceled", why: str | None = None) -> None:
    """End a subscription, and tell. why: what Stripe calls the reason, such as ``"payment_failed"``."""
    subscription["status"] = status
    subscription["ended_at"] = at
    if subscription["canceled_at"] is None and status == "canceled":
        subscription["canceled_at"] = at
    if why is not None:
        subscription["cancellation_details"]["reason"] = why
    if schedule := subscription["schedule"]:
        _end_schedule(account, account.get("subscription_schedule", schedule), at)
        subscription["schedule"] = None
    subscription["pending_update"] = None
    kind = "customer.subscription.deleted" if status == "canceled" else "customer.subscription.updated"
    emit(account, kind, subscription, None if status == "canceled" else {"status": "incomplete"})
    entitlements.refresh(account, subscription["customer"])


def _end_schedule(account: Account, schedule: Obj, at: int) -> None:
    schedule["status"] = "canceled"
    schedule["canceled_at"] = at
    schedule["current_phase"] = None
    emit(account, "subscription_schedule.canceled", schedule)
