"""When do a subscription's terms end by time alone? A pure rule over what is written of it."""

from datetime import UTC, datetime, timedelta

from licensing.models import Subscription
from licensing.models.holdings import SubscriptionStatus

_LATEST = datetime.max.replace(tzinfo=UTC)


def holds_until(
    *,
    status: str,
    managed_by: str,
    active_from: datetime,
    active_to: datetime | None,
    trial_ends_at: datetime | None,
    cancel_at: datetime | None,
    grace_until: datetime | None,
    grace_days: int,
) -> datetime | None:
    """Tell when the terms end though nobody writes anything; None: they do not.

    Past due, they end with the grace. A trial and an announced cancellation end them at their instant; where
    somebody else manages the subscription, who is to confirm it and may be late, the plan's grace later.
    """
    leeway = timedelta(days=grace_days) if managed_by else timedelta(0)
    ends = [] if active_to is None else [active_to]
    if cancel_at is not None:
        ends.append(_later(cancel_at, leeway))
    if status == SubscriptionStatus.TRIALING and trial_ends_at is not None:
        ends.append(_later(trial_ends_at, leeway))
    if status == SubscriptionStatus.PAST_DUE:
        # Grace without an end is none: the database lets nobody write that.
        ends.append(active_from if grace_until is None else grace_until)
    return min(ends, default=None)


def terms_end(row: Subscription, *, grace_days: int) -> datetime | None:
    """Tell the same of a row. grace_days: of its plan's version."""
    return holds_until(
        status=row.status,
        managed_by=row.managed_by,
        active_from=row.active_from,
        active_to=row.active_to,
        trial_ends_at=row.trial_ends_at,
        cancel_at=row.cancel_at,
        grace_until=row.grace_until,
        grace_days=grace_days,
    )


def _later(instant: datetime, by: timedelta) -> datetime:
    return _LATEST if instant > _LATEST - by else instant + by
