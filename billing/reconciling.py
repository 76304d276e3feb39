"""Does what each tenant has equal what Stripe says, asked anew of everybody? It changes nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from billing import settling
from billing.closing import CLOSED
from billing.models import Customer
from billing.prices import sold_in
from billing.settling import Settled, Unsettled
from billing.state import State, StripeSubscription
from billing.trying import as_claimed
from billing.wanting import live_in
from licensing import api as licensing

_LIVE: Final = frozenset({"active", "trialing", "past_due", "paused"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not as Stripe says.

    tenant: its slug, or "" for an account of nobody. what: ``plan``, ``status``, ``add_ons`` and so on.
    at_stripe, here: what each says, as text.
    """

    tenant: str
    customer: str
    what: str
    at_stripe: str
    here: str

    def line(self) -> str:
        """Write it for a person."""
        return f"{self.tenant or '(no tenant)'} {self.customer}: {self.what} is {self.at_stripe} at Stripe, {self.here} here"


class Account(Protocol):
    """What is asked of Stripe."""

    def subscriptions_by_customer(self) -> dict[str, State]:
        """Read every subscription of the account, by customer."""


def reconcile(*, gateway: Account, at: datetime) -> list[Difference]:
    """Compare what every tenant has with what Stripe says now, and list what differs, by tenant."""
    account = gateway.subscriptions_by_customer()
    customers = {row.stripe_id: row for row in Customer.objects.select_related("tenant").order_by("tenant__slug")}
    out = [
        one
        for stripe_id, row in customers.items()
        for one in differences(
            tenant_id=row.tenant_id,
            slug=row.tenant.slug,
            customer=stripe_id,
            state=account.get(stripe_id, ()),
            at=at,
        )
    ]
    out += [
        Difference(
            tenant=row.tenant.slug, customer=one, what="subscription", at_stripe=_named(live), here="of a closed tenant"
        )
        for one, row in customers.items()
        if row.tenant.status == CLOSED and (live := live_in(account.get(one, ())))
    ]
    strangers = sorted(account.keys() - customers.keys())
    out += [
        Difference(tenant="", customer=one, what="subscription", at_stripe=_named(live), here="nobody's")
        for one in strangers
        if (live := [sub for sub in account[one] if sub.status in _LIVE])
    ]
    return out


def differences(*, tenant_id: UUID, slug: str, customer: str, state: State, at: datetime) -> list[Difference]:
    """Compare what one tenant has with what a state comes to."""
    wanted = settling.settle(state, sold=sold_in(state), at=at)
    if isinstance(wanted, Unsettled):
        return [
            Difference(tenant=slug, customer=customer, what="state", at_stripe=wanted.problem, here="kept as it was")
        ]
    wanted = as_claimed(tenant_id, wanted, state)
    try:
        held = licensing.get_subscription(tenant_id=tenant_id, at=at)
    except licensing.SubscriptionNotFound:
        held = None
    said, here = _wanted(wanted), _held(held)
    if wanted.plan is None and (held is None or held.managed_by != "stripe" or held.status == "canceled"):
        # Nothing is paid for, and what the tenant has, if anything, is not had by paying.
        return []
    return [
        Difference(tenant=slug, customer=customer, what=what, at_stripe=said[what], here=here.get(what, "nothing"))
        for what in said
        if said[what] != here.get(what, "nothing")
    ]


def _wanted(settled: Settled) -> dict[str, str]:
    if settled.plan is None:
        return {"plan": "nothing"}
    return {
        "plan": f"{settled.plan}@{settled.version}",
        "status": settled.status,
        "add_ons": _add_ons(settled.add_ons),
        "subscription": settled.external_id,
        "cancel_at": _instant(settled.cancel_at),
        "period_end": _instant(settled.period_end),
    }


def _held(held: licensing.Subscription | None) -> dict[str, str]:
    if held is None:
        return {}
    # Who was moved to another version goes on being billed for the one of before.
    plan, version = held.billed or (held.plan, held.version)
    return {
        "plan": f"{plan}@{version}",
        "status": held.status,
        "add_ons": _add_ons(held.add_ons),
        "subscription": held.external_id,
        "cancel_at": _instant(held.cancel_at),
        "period_end": _instant(held.current_period_end),
    }


def _add_ons(add_ons: tuple[tuple[str, int], ...]) -> str:
    return ", ".join(f"{key}@{number}" for key, number in sorted(add_ons)) or "none"


def _instant(value: datetime | None) -> str:
    return value.isoformat() if value else "never"


def _named(state: list[StripeSubscription]) -> str:
    return ", ".join(sorted(one.id for one in state))
