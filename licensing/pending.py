"""Changes of a subscription that wait for their day: the higher tier holds until then."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import audit.api
from isolation.api import by_itself, tenant_transaction
from licensing import names
from licensing.errors import ChangeNotFound, ChangePending, InvalidRange, SubscriptionManaged, SubscriptionNotFound
from licensing.models import PendingChange, PlanVersion
from licensing.models.pending import ChangeState
from licensing.pending_rows import close, named, open_change
from licensing.selling import add_on_versions, plan_version, versions_by_id
from licensing.subscription_rows import Held, Wanted, billed_beside, covering, fall, held, place
from licensing.tenant_lock import lock_tenant

_SWEEP: Final = "sweep"
_BATCH: Final = 500
_SCHEDULED: Final = "scheduled before"
_MAX_GRACE: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledChange:
    """A change that is to come.

    plan, version: None where the subscription ends. add_ons: keys and version numbers. effective_at: when whoever bills is to make it so. confirm_by: when it is made
    so here though nobody has confirmed it.
    """

    plan: str | None
    version: int | None
    add_ons: tuple[tuple[str, int], ...]
    effective_at: datetime
    confirm_by: datetime
    by: str


def schedule_change(
    *,
    tenant_id: UUID,
    plan: str | None,
    version: int | None = None,
    add_ons: Sequence[str] = (),
    effective_at: datetime | None = None,
    grace: timedelta | None = None,
    by: str,
    at: datetime,
) -> ScheduledChange:
    """Schedule what a tenant is to be on from a later day; the same again changes nothing.

    What it has holds until billing settles the new plan, or the day and the grace have passed.

    plan: None for none: on the day, to the instant, the tenant falls to the default plan, or to nothing.
    effective_at: None for the end of what is paid for. grace: None for the plan's days of grace where billing is to
        confirm it, else for none.
    :raises SubscriptionNotFound: the tenant is on nothing. :raises UnknownPlan: no such plan or add-on is for sale.
    :raises InvalidRange: a day that is past or not known, or a grace that is below nothing or beyond 90 days.
    :raises ChangePending: another change is scheduled: cancel that first.
    :raises SubscriptionManaged: an end of what billing manages: that is ended there.
    """
    author = names.text(by, "author", may_be_empty=False)
    with tenant_transaction(tenant_id):
        lock_tenant(tenant_id)
        before = held(covering(tenant_id, at))
        if before is None:
            raise SubscriptionNotFound("The tenant has no subscription that could change.")
        if plan is None and before.row.managed_by:
            raise SubscriptionManaged("Billing manages what this tenant is on: end it there.")
        bought = None if plan is None else plan_version(plan, version, held=before.versions[0])
        beside = [] if plan is None else add_on_versions(add_ons, held=before.versions[1:])
        begins = effective_at or before.row.current_period_end
        if begins is None or (begins := names.beginning(begins, "effective_at")) <= at:
            raise InvalidRange("A change is scheduled for an instant to come: give effective_at.")
        leeway = timedelta(0) if bought is None else _leeway(before, grace)
        wanted = (None if bought is None else bought.id, [one.id for one in beside], begins, begins + leeway)
        change = open_change(tenant_id)
        if change is not None:
            if (change.plan_version_id, change.add_ons, change.effective_at, change.confirm_by) == wanted:
                return _told(change)
            raise ChangePending("Another change is scheduled: cancel that first.", plan=named(change))
        if bought is None:
            _end_at(tenant_id, before, begins, by=author, at=at, because="it is to end")
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
        lock_tenant(tenant_id)
        change = _get(tenant_id)
        close(change, ChangeState.CANCELLED, at=at)
        _append(tenant_id, audit.api.Kind.CHANGE_CANCELLED, change, by=author, at=at)
        before = held(covering(tenant_id, at))
        if change.plan_version is None and before is not None and before.row.cancel_at == change.effective_at:
            _end_at(tenant_id, before, None, by=author, at=at, because="it is not to end")


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
    count = 0
    for tenant_id, change_id in found:
        with by_itself("pending_change", tenant_id=tenant_id):
            count += _apply(tenant_id, change_id, at=at)
    return count


def _apply(tenant_id: UUID, change_id: UUID, *, at: datetime) -> bool:
    with tenant_transaction(tenant_id):
        lock_tenant(tenant_id)
        change = open_change(tenant_id)
        if change is None or change.id != change_id or change.confirm_by > at:
            return False
        before = held(covering(tenant_id, at))
        # What billing manages by now is ended there.
        if before is None or (change.plan_version is None and before.row.managed_by):
            close(change, ChangeState.CANCELLED, at=at)
            _append(tenant_id, audit.api.Kind.CHANGE_CANCELLED, change, by=change.by, at=at)
            return False
        close(change, ChangeState.APPLIED, at=at)
        if change.plan_version is None:
            fall(tenant_id, before, begins=at, by=change.by, because=_SCHEDULED, active_to=before.row.active_to)
            return True
        beside = sorted(versions_by_id(change.add_ons).values(), key=lambda one: (one.plan.key, one.number))
        wanted = _as_it_is(before, change.plan_version, beside)
        place(tenant_id, before, wanted, begins=at, by=change.by, at=at, because=_SCHEDULED)
        return True


def _end_at(tenant_id: UUID, before: Held, cancel_at: datetime | None, *, by: str, at: datetime, because: str) -> None:
    """Have what a tenant is on end by time alone, to the instant, whenever the task comes by."""
    wanted = replace(_as_it_is(before, before.versions[0], before.versions[1:]), cancel_at=cancel_at)
    place(tenant_id, before, wanted, begins=at, in_place=True, by=by, at=at, because=because)


def _as_it_is(before: Held, plan: PlanVersion, beside: Sequence[PlanVersion]) -> Wanted:
    row = before.row
    return Wanted(
        plan=plan,
        beside=beside,
        billed_beside=billed_beside(row),
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
        plan=None if change.plan_version is None else change.plan_version.plan.key,
        version=None if change.plan_version is None else change.plan_version.number,
        add_ons=tuple(sorted((one.plan.key, one.number) for one in beside)),
        effective_at=change.effective_at,
        confirm_by=change.confirm_by,
        by=change.by,
    )
