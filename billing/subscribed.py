"""What a tenant pays for, by what was read last: nobody has to wait for Stripe to see it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings

from billing.prices import sold_by
from billing.standing import read_snapshot
from billing.wanting import live_in


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingState:
    """What is paid for, and what will change.

    status: Stripe's word. versions, upcoming: kind, key and number of each; "" and 0 for a price that is unknown here.
    period_end: until when it is paid for. cancel_at: when it ends. read_at: as of when.
    """

    status: str
    versions: tuple[tuple[str, str, int], ...]
    period_end: datetime | None
    cancel_at: datetime | None
    upcoming_at: datetime | None
    upcoming: tuple[tuple[str, str, int], ...]
    read_at: datetime


def is_on() -> bool:
    """Say whether there is billing here."""
    return bool(settings.STRIPE.is_on)


def billing_state(*, tenant_id: UUID) -> BillingState | None:
    """Tell what a tenant pays for, by what was read last; None for nothing."""
    found = read_snapshot(tenant_id=tenant_id)
    if found is None:
        return None
    state, read_at = found
    live = live_in(state)
    if not live:
        return None
    held = live[-1]
    sold = sold_by({*held.upcoming, *(item.price for item in held.items)})

    def named(prices: tuple[str, ...]) -> tuple[tuple[str, str, int], ...]:
        return tuple(
            (sold[one].kind, sold[one].key, sold[one].version) if one in sold else ("", "", 0) for one in prices
        )

    return BillingState(
        status=held.status,
        versions=named(tuple(item.price for item in held.items)),
        period_end=max((one.period_end for one in held.items if one.period_end is not None), default=None),
        cancel_at=held.cancel_at,
        upcoming_at=held.upcoming_at,
        upcoming=named(held.upcoming),
        read_at=read_at,
    )
