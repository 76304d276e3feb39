"""Put a tenant on what is paid for, as billing has found it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from isolation.api import tenant_transaction
from licensing import names
from licensing.errors import InvalidRange, InvalidTerm
from licensing.models import Subscription as SubscriptionRow
from licensing.models.catalogue import PlanKind
from licensing.models.holdings import ManagedBy, SubscriptionStatus
from licensing.selling import held_version
from licensing.subscription_rows import (
    Held,
    Wanted,
    billed_beside,
    covering,
    fall,
    grace_end,
    held,
    place,
)
from licensing.tenant_lock import lock_tenant

_AUTHOR: Final = "billing"
# Clocks of two processes differ: what one of them has just written is what the other one's word is about.
_SKEW: Final = timedelta(minutes=1)


def settle_subscription(  # noqa: PLR0913 - each part is named
    *,
    tenant_id: UUID,
    plan: str | None,
    version: int | None = None,
    status: str = "active",
    add_ons: Sequence[tuple[str, int | None]] = (),
    managed_by: str = "stripe",
    external_id: str = "",
    period_start: datetime | None = None,
    period_end: datetime | None = None,
    trial_ends_at: datetime | None = None,
    cancel_at: datetime | None = None,
    grace_until: datetime | None = None,
    at: datetime,
) -> bool:
    """Put what a tenant is on at ``at`` to what is paid for, open-ended; the same again changes nothing.

    Returns whether anything changed. What an operator has scheduled for later stays, and ends it.

    plan: None where nothing is paid for: the tenant falls to the default plan, or, without one, to nothing. What
        billing does not manage is not ended by it.
    version: a number, retired ones too, since who has one keeps it; None for the one held, else the one on sale.
    add_ons: keys with version numbers, as for the plan.
    grace_until: read while ``past_due``; None for the plan's days of grace from now on, or those that run already.
    :raises TenantNotFound: there is no such tenant.
    :raises UnknownPlan: no such plan, version or add-on was ever published; nothing was changed.
    :raises InvalidTerm: an unknown status or manager. :raises InvalidRange: an empty period, or an instant without
        a time zone.
    """
    if status not in SubscriptionStatus.values or managed_by not in ManagedBy.values or not managed_by:
        raise InvalidTerm("A subscription that billing settles has a known status and somebody who manages it.")
    if (period_start is None) != (period_end is None) or (period_start and period_end and period_end <= period_start):
        raise InvalidRange("A period begins, and ends later.")
    with tenant_transaction(tenant_id):
        lock_tenant(tenant_id)
        before = held(_newest(tenant_id, at) or covering(tenant_id, at))
        begins = at if before is None else max(at, before.row.active_from)
        if plan is None:
            return _fall(tenant_id, before, managed_by, begins=begins)
        known = before.versions if before else ()
        billed = held_version(PlanKind.PLAN, plan, version, held=known)
        # Who was moved to another version is billed for the one of before, until billing says otherwise.
        is_moved = before is not None and before.row.billed_version_id == billed.id
        bought = known[0] if is_moved else billed
        # So of an add-on.
        moved = {billed_id: held_id for held_id, billed_id in billed_beside(before.row).items()} if before else {}
        kept = {one.id: one for one in known}
        beside = {held_version(PlanKind.ADD_ON, key, number, held=known) for key, number in add_ons}
        wanted = Wanted(
            plan=bought,
            beside=sorted(
                {kept.get(moved.get(one.id, one.id), one) for one in beside}, key=lambda one: (one.plan.key, one.number)
            ),
            billed_beside={moved[one.id]: one.id for one in beside if one.id in moved},
            status=status,
            active_to=_next_begins(tenant_id, begins),
            managed_by=managed_by,
            external_id=external_id,
            current_period_start=_instant(period_start, "period_start"),
            current_period_end=_instant(period_end, "period_end"),
            trial_ends_at=_instant(trial_ends_at, "trial_ends_at"),
            cancel_at=_instant(cancel_at, "cancel_at"),
            grace_until=_instant(grace_until, "grace_until") or grace_end(before, bought, at=begins),
            billed_version_id=billed.id if is_moved else None,
        )
        if before is not None and before.is_so(wanted):
            return False
        in_place = before is not None and before.grants_so(wanted)
        place(tenant_id, before, wanted, begins=begins, in_place=in_place, by=_AUTHOR, at=begins)
        return True


def _fall(tenant_id: UUID, before: Held | None, managed_by: str, *, begins: datetime) -> bool:
    if before is not None and before.row.managed_by != managed_by:
        return False
    because, active_to = "nothing is paid for", _next_begins(tenant_id, begins)
    return fall(tenant_id, before, begins=begins, by=_AUTHOR, because=because, active_to=active_to)


def _instant(value: datetime | None, what: str) -> datetime | None:
    return None if value is None else names.instant(value, what)


def _newest(tenant_id: UUID, at: datetime) -> SubscriptionRow | None:
    return (
        SubscriptionRow.objects.filter(tenant_id=tenant_id, active_from__gt=at, active_from__lte=at + _SKEW)
        .order_by("-active_from")
        .first()
    )


def _next_begins(tenant_id: UUID, at: datetime) -> datetime | None:
    return (
        SubscriptionRow.objects.filter(tenant_id=tenant_id, active_from__gt=at)
        .order_by("active_from")
        .values_list("active_from", flat=True)
        .first()
    )
