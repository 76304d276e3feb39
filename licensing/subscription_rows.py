"""A subscription's row: read, compared and written; what every door to it shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import Q

import audit.api
from licensing.errors import SubscriptionOverlap
from licensing.models import Plan, PlanVersion, SubscriptionAddOn
from licensing.models import Subscription as SubscriptionRow
from licensing.models.holdings import GRANTING, ManagedBy, SubscriptionStatus
from licensing.models.outbox import EventKind
from licensing.outbox import emit
from licensing.pending_rows import close_overtaken
from licensing.push import publish
from licensing.ratchet import floors_json, keep_at_least, regulated_requirements
from licensing.selling import versions_by_id
from licensing.telling import tell_changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """The plan version that a tenant is on from ``active_from`` (inclusive) to ``active_to`` (exclusive).

    add_ons: keys and version numbers of what is held beside it.
    managed_by: ``""``, or ``stripe``; external_id: its id there.
    grace_until: the end of the terms while it is past due.
    billed: key and number of the version that is paid for, where the tenant was moved to another; None: this one.
    """

    id: UUID
    plan: str
    version: int
    status: str
    active_from: datetime
    active_to: datetime | None
    add_ons: tuple[tuple[str, int], ...] = ()
    managed_by: str = ""
    external_id: str = ""
    current_period_start: datetime | None = None
    current_period_end: datetime | None = None
    trial_ends_at: datetime | None = None
    cancel_at: datetime | None = None
    grace_until: datetime | None = None
    billed: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a subscription is to be.

    plan: the version. beside: the add-ons' versions, by key.
    billed_version_id: what billing takes it for, where that is another version; billed_beside: the same of add-ons,
        by the id of the version that is held.
    """

    plan: PlanVersion
    beside: Sequence[PlanVersion] = ()
    status: str = SubscriptionStatus.ACTIVE
    active_to: datetime | None = None
    managed_by: str = ManagedBy.NOBODY
    external_id: str = ""
    current_period_start: datetime | None = None
    current_period_end: datetime | None = None
    trial_ends_at: datetime | None = None
    cancel_at: datetime | None = None
    grace_until: datetime | None = None
    billed_version_id: UUID | None = None
    billed_beside: Mapping[UUID, UUID] = field(default_factory=dict)

    def version_ids(self) -> list[UUID]:
        """List the plan's version first, then the add-ons'."""
        return [self.plan.id, *(one.id for one in self.beside)]

    def columns(self) -> dict[str, Any]:
        """Write all that is not the plan or the add-ons as columns; grace alone where it is read."""
        is_grace = self.status == SubscriptionStatus.PAST_DUE
        return {
            "status": self.status,
            "active_to": self.active_to,
            "managed_by": self.managed_by,
            "external_id": self.external_id,
            "current_period_start": self.current_period_start,
            "current_period_end": self.current_period_end,
            "trial_ends_at": self.trial_ends_at,
            "cancel_at": self.cancel_at,
            "grace_until": self.grace_until if is_grace else None,
            "billed_version_id": self.billed_version_id,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a tenant is on before a change.

    versions: the plan's first, then the add-ons' by key.
    """

    row: SubscriptionRow
    versions: Sequence[PlanVersion]
    told: Subscription = field(repr=False)

    def is_so(self, wanted: Wanted) -> bool:
        """Say whether nothing would change."""
        return self.grants_so(wanted) and all(
            getattr(self.row, name) == value for name, value in wanted.columns().items()
        )

    def grants_so(self, wanted: Wanted) -> bool:
        """Say whether plan, add-ons, status and who manages it would stay."""
        now = (self.row.status, self.row.managed_by, self.row.external_id, [one.id for one in self.versions])
        return now == (wanted.status, wanted.managed_by, wanted.external_id, wanted.version_ids())


def covering(tenant_id: UUID, at: datetime) -> SubscriptionRow | None:
    """Find what the tenant is on at an instant."""
    return (
        SubscriptionRow.objects.filter(tenant_id=tenant_id, active_from__lte=at)
        .filter(Q(active_to__isnull=True) | Q(active_to__gt=at))
        .first()
    )


def held(row: SubscriptionRow | None) -> Held | None:
    """Read a row with its versions; None where there is none."""
    if row is None:
        return None
    versions = _versions(row)
    return Held(row=row, versions=versions, told=told_as(row, versions))


def told(row: SubscriptionRow) -> Subscription:
    """Read a row for others."""
    return told_as(row, _versions(row))


def grace_end(before: Held | None, wanted: PlanVersion, *, at: datetime) -> datetime:
    """Tell when grace ends that nobody set an end to: it goes on as it was, or begins now."""
    if before is not None and before.row.status == SubscriptionStatus.PAST_DUE and before.row.grace_until is not None:
        return before.row.grace_until
    return at + timedelta(days=wanted.grace_days)


def place(
    tenant_id: UUID,
    before: Held | None,
    wanted: Wanted,
    *,
    begins: datetime,
    in_place: bool = False,
    by: str,
    at: datetime,
    because: str = "",
) -> tuple[Subscription, bool]:
    """Put a tenant on something from an instant on, closing at that instant whatever it was on.

    Runs in the tenant's transaction, under its lock. Returns the subscription, and whether it begins anew.

    in_place: write over the row that holds at ``begins`` instead of beginning a new one.
    :raises SubscriptionOverlap: a later subscription begins within the range.
    """
    asked = regulated_requirements(_ever_held(tenant_id, begins, at))
    created = before is None or not (in_place or before.row.active_from == begins)
    row = SubscriptionRow(id=uuid4(), tenant_id=tenant_id, active_from=begins)
    if before is not None and created:
        before.row.active_to = begins
        before.row.save(update_fields=["active_to"])
    elif before is not None:
        row = before.row
    row.plan_version = wanted.plan
    for name, value in wanted.columns().items():
        setattr(row, name, value)
    _write(row, wanted, is_new=created)
    raised = keep_at_least(
        tenant_id=tenant_id,
        asked=asked,
        now_asked=regulated_requirements(wanted.version_ids()),
        because=f"the change to {wanted.plan} would have asked less",
        at=at,
    )
    if _ends_by_itself(wanted):
        # When time ends it, nobody is there to write what it asked: so that is kept from the beginning.
        raised |= keep_at_least(
            tenant_id=tenant_id,
            asked=regulated_requirements(wanted.version_ids()),
            now_asked={},
            because=f"{wanted.plan} may end by itself",
            at=at,
        )
    close_overtaken(tenant_id, before.versions[0] if before else None, [wanted.plan, *wanted.beside], at=at)
    now = told(row)
    _tell(tenant_id, before, now, by=by, at=at, floors=floors_json(raised), because=because)
    return now, created


def end(tenant_id: UUID, before: Held, *, by: str, at: datetime, because: str = "") -> None:
    """End what a tenant is on, with nothing after it. What it asked of regulated features stays."""
    row = before.row
    raised = keep_at_least(
        tenant_id=tenant_id,
        asked=regulated_requirements(one.id for one in before.versions),
        now_asked={},
        because=f"{before.versions[0]} ended",
        at=at,
    )
    if row.active_from < at:
        row.active_to = at
    else:
        row.status = SubscriptionStatus.CANCELED
    row.save(update_fields=["active_to", "status"])
    close_overtaken(tenant_id, before.versions[0], [], at=at)
    _tell(tenant_id, before, told(row), by=by, at=at, floors=floors_json(raised), because=because)


def fall(
    tenant_id: UUID, before: Held | None, *, begins: datetime, by: str, because: str, active_to: datetime | None
) -> bool:
    """Put a tenant on the default plan, or, without one, on nothing; return whether that changed anything."""
    default = Plan.objects.select_related("current__plan").filter(is_default=True, current__isnull=False).first()
    if default is not None and default.current is not None:
        wanted = Wanted(plan=default.current, active_to=active_to)
        place(tenant_id, before, wanted, begins=begins, by=by, at=begins, because=because)
        return True
    if before is None or before.row.status == SubscriptionStatus.CANCELED:
        return False
    end(tenant_id, before, by=by, at=begins, because=because)
    return True


def subscription_json(told: Subscription | None) -> dict[str, Any] | None:
    """Write a subscription for people and the trail."""
    if told is None:
        return None
    return {
        "plan": told.plan,
        "version": told.version,
        "status": told.status,
        "active_from": told.active_from.isoformat(),
        "active_to": _iso(told.active_to),
        "add_ons": [{"key": key, "version": number} for key, number in told.add_ons],
        "managed_by": told.managed_by,
        "external_id": told.external_id,
        "current_period_start": _iso(told.current_period_start),
        "current_period_end": _iso(told.current_period_end),
        "trial_ends_at": _iso(told.trial_ends_at),
        "cancel_at": _iso(told.cancel_at),
        "grace_until": _iso(told.grace_until),
    }


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _tell(
    tenant_id: UUID,
    before: Held | None,
    now: Subscription,
    *,
    by: str,
    at: datetime,
    floors: dict[str, Any],
    because: str,
) -> None:
    payload = {
        "by": by,
        "old": subscription_json(before.told if before else None),
        "new": subscription_json(now),
        "floors_raised": floors,
    }
    audit.api.append(
        tenant_id=tenant_id,
        kind=audit.api.Kind.SUBSCRIPTION_CHANGED,
        at=at,
        payload=payload | ({"because": because} if because else {}),
    )
    emit(
        tenant_id=tenant_id,
        kind=EventKind.SUBSCRIPTION_CHANGED,
        payload={"old": payload["old"], "new": payload["new"]},
        at=at,
    )
    tell_changes(tenant_id=tenant_id, at=at)
    publish("tenant", str(tenant_id))


def _ends_by_itself(wanted: Wanted) -> bool:
    is_trial = wanted.status == SubscriptionStatus.TRIALING and wanted.trial_ends_at is not None
    return is_trial or wanted.cancel_at is not None or wanted.status == SubscriptionStatus.PAST_DUE


def _ever_held(tenant_id: UUID, begins: datetime, at: datetime) -> list[UUID]:
    # What was to begin at this very instant, and has not begun yet, asked nothing of anybody.
    rows = SubscriptionRow.objects.filter(tenant_id=tenant_id, status__in=GRANTING).filter(
        Q(active_from__lt=begins) | Q(active_from__lte=at)
    )
    beside = SubscriptionAddOn.objects.filter(subscription__in=rows)
    return [*rows.values_list("plan_version_id", flat=True), *beside.values_list("plan_version_id", flat=True)]


def billed_beside(row: SubscriptionRow) -> dict[UUID, UUID]:
    """Read for which versions billing takes add-ons that were moved to others, by the version that is held."""
    moved = SubscriptionAddOn.objects.filter(subscription=row, billed_version__isnull=False)
    return dict(moved.values_list("plan_version_id", "billed_version_id"))


def _write(row: SubscriptionRow, wanted: Wanted, *, is_new: bool) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=is_new)
    except IntegrityError as error:
        later = (
            SubscriptionRow.objects.filter(tenant_id=row.tenant_id, active_from__gt=row.active_from)
            .order_by("active_from")
            .values_list("active_from", flat=True)
            .first()
        )
        msg = "A later subscription of the tenant begins within this range: give active_to, or replace that one."
        raise SubscriptionOverlap(msg, next_active_from=later.isoformat() if later else None) from error
    beside = wanted.beside
    SubscriptionAddOn.objects.filter(subscription=row).exclude(plan_version__in=beside).delete()
    kept = set(SubscriptionAddOn.objects.filter(subscription=row).values_list("plan_version_id", flat=True))
    SubscriptionAddOn.objects.bulk_create(
        SubscriptionAddOn(
            tenant_id=row.tenant_id,
            subscription=row,
            plan_version=one,
            billed_version_id=wanted.billed_beside.get(one.id),
        )
        for one in beside
        if one.id not in kept
    )


def _versions(row: SubscriptionRow) -> list[PlanVersion]:
    beside = list(SubscriptionAddOn.objects.filter(subscription=row).values_list("plan_version_id", flat=True))
    known = versions_by_id([row.plan_version_id, *beside])
    return [
        known[row.plan_version_id],
        *sorted((known[one] for one in beside), key=lambda one: (one.plan.key, one.number)),
    ]


def told_as(row: SubscriptionRow, versions: Sequence[PlanVersion]) -> Subscription:
    """Read a row for others. versions: the plan's first, then the add-ons'."""
    plan, *beside = versions
    billed = None if row.billed_version_id is None else versions_by_id([row.billed_version_id])[row.billed_version_id]
    return Subscription(
        id=row.id,
        plan=plan.plan.key,
        version=plan.number,
        status=str(row.status),
        active_from=row.active_from,
        active_to=row.active_to,
        add_ons=tuple((one.plan.key, one.number) for one in beside),
        managed_by=str(row.managed_by),
        external_id=row.external_id,
        current_period_start=row.current_period_start,
        current_period_end=row.current_period_end,
        trial_ends_at=row.trial_ends_at,
        cancel_at=row.cancel_at,
        grace_until=row.grace_until,
        billed=None if billed is None else (billed.plan.key, billed.number),
    )
