"""Changes of a subscription that wait for their day: the higher tier holds until then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import audit.api
from isolation.api import tenant_transaction
from licensing import names
from licensing.errors import ChangeNotFound, ChangePending, InvalidRange, SubscriptionNotFound
from licensing.models import PendingChange, PlanVersion
from licensing.models.pending import ChangeState
from licensing.pending_rows import close, open_change
from licensing.selling import add_on_versions, plan_version, versions_by_id
from licensing.subscription_rows import Held, Wanted, covering, held, lock_subscriptions, place

_SWEEP: Final = "sweep"
_BATCH: Final = 500
_MAX_GRACE: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledChange:
    """A change that is to come.

    add_ons: keys and version numbers. effective_at: when whoever bills is to make it so. confirm_by: when it is made
    so here though nobody has confirmed it.
    """

    plan: str
    version: int
    add_ons: tuple[tuple[str, int], ...]
    effective_at: datetime
    confirm_by: datetime
    by: str


def schedule_change(
    *,
    tenant_id: UUID,
    plan: str,
    version: int | None = None,
    add_ons: Sequence[str] = (),
    effective_at: datetime | None = None,
    grace: timedelta | None = None,
    by: str,
    at: datetime,
) -> ScheduledChange:
    """Schedule what a tenant is to be on from a later day; the same again changes nothing.

    What it has holds until billing settles the new plan, or the day and the grace have passed.

    effective_at: None for the end of what is paid for. grace: None for the plan's days of grace where billing is to
        confirm it, else for none.
    :raises SubscriptionNotFound: the tenant is on nothing. :raises UnknownPlan: no such plan or add-on is for sale.
    :raises InvalidRange: a day that is past or not known, or a grace that is below nothing or beyond 90 days.
    :raises ChangePending: another change is scheduled: cancel that first.
    """
    author = names.text(by, "author", may_be_empty=False)
    with tenant_transaction(tenant_id):
        lock_subscriptions(tenant_id)
        before = held(covering(tenant_id, at))
        if before is None:
            raise SubscriptionNotFound("The tenant has no subscription that could change.")
        bought = plan_version(plan, version, held=before.versions[0])
        beside = add_on_versions(add_ons, held=before.versions[1:])
        begins = effective_at or before.row.current_period_end
        if begins is None or (begins := names.instant(begins, "effective_at")) <= at:
            raise InvalidRange("A change is scheduled for an instant to come: give effective_at.")
        leeway = _leeway(before, grace)
        wanted = (bought.id, [one.id for one in beside], begins, begins + leeway)
        change = open_change(tenant_id)
        if change is not None:
            if (change.plan_version_id, change.add_ons, change.effective_at, change.confirm_by) == wanted:
                return _told(change)
            raise ChangePending("Another change is scheduled: cancel that first.", plan=str(change.plan_version))
        change = PendingChange.objects.create(
            tenant_id=tenant_id,
            subscription=before.row,
            plan_version=bought,
            add_ons=wanted[1],
            effective_at=begins,
            confirm_by=wanted[3],
            by=author,
            created_at=at,
        )
        _append(tenant_id, audit.api.Kind.CHANGE_SCHEDULED, change, by=author, at=at)
        return _told(change)


def cancel_change(*, tenant_id: UUID, by: str, at: datetime) -> None:
    """Cancel the change that is to come: the tenant stays on what it has.

    :raises ChangeNotFound: none is scheduled.
    """
    author = names.text(by, "author", may_be_empty=False)
    with tenant_transaction(tenant_id):
        lock_subscriptions(tenant_id)
        change = _get(tenant_id)
        close(change, ChangeState.CANCELLED, at=at)
        _append(tenant_id, audit.api.Kind.CHANGE_CANCELLED, change, by=author, at=at)


def get_change(*, tenant_id: UUID) -> ScheduledChange:
    """Return the change that is to come.

    :raises ChangeNotFound: none is scheduled.
    """
    with tenant_transaction(tenant_id):
        return _told(_get(tenant_id))


def apply_due_changes(*, at: datetime) -> int:
    """Make those changes so whose day and grace have passed, and return how many.

    Found by the sweep's role; each is made within its tenant. It may be run twice at once, or cut short.
    """
    due = PendingChange.objects.using(_SWEEP).filter(state=ChangeState.OPEN, confirm_by__lte=at)
    found = list(due.order_by("confirm_by").values_list("tenant_id", "id")[:_BATCH])
    return sum(_apply(tenant_id, change_id, at=at) for tenant_id, change_id in found)


def _apply(tenant_id: UUID, change_id: UUID, *, at: datetime) -> bool:
    with tenant_transaction(tenant_id):
        lock_subscriptions(tenant_id)
        change = open_change(tenant_id)
        if change is None or change.id != change_id or change.confirm_by > at:
            return False
        before = held(covering(tenant_id, at))
        if before is None:
            close(change, ChangeState.CANCELLED, at=at)
            _append(tenant_id, audit.api.Kind.CHANGE_CANCELLED, change, by=change.by, at=at)
            return False
        close(change, ChangeState.APPLIED, at=at)
        place(tenant_id, before, _wanted(before, change), begins=at, by=change.by, at=at, because="scheduled before")
        return True


def _wanted(before: Held, change: PendingChange) -> Wanted:
    row = before.row
    beside = versions_by_id(change.add_ons)
    return Wanted(
        plan=change.plan_version,
        beside=sorted(beside.values(), key=lambda one: (one.plan.key, one.number)),
        status=row.status,
        active_to=row.active_to,
        managed_by=row.managed_by,
        external_id=row.external_id,
        current_period_start=row.current_period_start,
        current_period_end=row.current_period_end,
        trial_ends_at=row.trial_ends_at,
        cancel_at=row.cancel_at,
        grace_until=row.grace_until,
    )


def _leeway(before: Held, grace: timedelta | None) -> timedelta:
    if grace is None:
        held_version: PlanVersion = before.versions[0]
        return timedelta(days=held_version.grace_days if before.row.managed_by else 0)
    if not timedelta(0) <= grace <= _MAX_GRACE:
        raise InvalidRange("Grace lasts from nothing to 90 days.")
    return grace


def _get(tenant_id: UUID) -> PendingChange:
    change = open_change(tenant_id)
    if change is None:
        raise ChangeNotFound("No change of the subscription is scheduled.")
    return change


def _append(tenant_id: UUID, kind: audit.api.Kind, change: PendingChange, *, by: str, at: datetime) -> None:
    told = _told(change)
    payload: dict[str, Any] = {
        "by": by,
        "plan": told.plan,
        "version": told.version,
        "add_ons": [{"key": key, "version": number} for key, number in told.add_ons],
        "effective_at": told.effective_at.isoformat(),
        "confirm_by": told.confirm_by.isoformat(),
    }
    audit.api.append(tenant_id=tenant_id, kind=kind, at=at, payload=payload)


def _told(change: PendingChange) -> ScheduledChange:
    beside = versions_by_id(change.add_ons).values()
    return ScheduledChange(
        plan=change.plan_version.plan.key,
        version=change.plan_version.number,
        add_ons=tuple(sorted((one.plan.key, one.number) for one in beside)),
        effective_at=change.effective_at,
        confirm_by=change.confirm_by,
        by=change.by,
    )
