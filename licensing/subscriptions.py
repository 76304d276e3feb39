"""Which plan a tenant is on, when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import Q

import audit.api
from isolation.api import tenant_transaction
from licensing import names
from licensing.errors import InvalidRange, InvalidTerm, SubscriptionNotFound, SubscriptionOverlap
from licensing.models import PlanVersion, SubscriptionAddOn
from licensing.models import Subscription as SubscriptionRow
from licensing.models.directory import Tenant
from licensing.models.holdings import GRANTING, SubscriptionStatus
from licensing.push import publish
from licensing.ratchet import floors_json, keep_at_least, regulated_requirements
from licensing.selling import add_on_versions, plan_version, versions_by_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """The plan version that a tenant is on from ``active_from`` (inclusive) to ``active_to`` (exclusive).

    add_ons: keys and version numbers of what is held beside it.
    """

    id: UUID
    plan: str
    version: int
    status: str
    active_from: datetime
    active_to: datetime | None
    add_ons: tuple[tuple[str, int], ...] = ()


def put_subscription(  # noqa: PLR0913 - each part is named
    *,
    tenant_id: UUID,
    plan: str,
    version: int | None = None,
    status: str = "active",
    active_from: datetime | None = None,
    active_to: datetime | None = None,
    add_ons: Sequence[str] = (),
    by: str,
    at: datetime,
) -> tuple[Subscription, bool]:
    """Put a tenant on a plan from an instant on, closing at that instant whatever it was on.

    Returns the subscription, and whether it begins anew (False where one was changed in its place, or nothing
    was). Naming what is already so changes nothing.

    version: None for the one on sale, or the one that the tenant is on already.
    active_from: None for ``at``. active_to: None for open.
    :raises UnknownPlan: no such plan, version or add-on is for sale.
    :raises InvalidRange: an empty range.
    :raises SubscriptionOverlap: a later subscription begins within the range.
    """
    begins = names.instant(active_from or at, "active_from")
    ends = None if active_to is None else names.instant(active_to, "active_to")
    if ends is not None and ends <= begins:
        raise InvalidRange("active_to must be later than active_from.")
    if status not in SubscriptionStatus.values:
        raise InvalidTerm(f"A subscription is one of {', '.join(SubscriptionStatus.values)}.")
    author = names.text(by, "author", may_be_empty=False)
    with tenant_transaction(tenant_id):
        # One change of a tenant's subscription at a time, so that each sees what the one before left.
        Tenant.objects.select_for_update(no_key=True).filter(id=tenant_id).first()
        before = _covering(tenant_id, begins)
        old = None if before is None else _told(before)
        held = _versions(before)
        bought = plan_version(plan, version, held=held[0] if held else None)
        beside = add_on_versions(add_ons, held=held[1:])
        if before is not None and old is not None:
            is_same = (before.status, before.active_to, [one.id for one in held]) == (
                status,
                ends,
                [bought.id, *(one.id for one in beside)],
            )
            if is_same:
                return old, False
        asked = regulated_requirements(_ever_held(tenant_id, begins, at))
        created = before is None or before.active_from != begins
        row = SubscriptionRow(id=uuid4(), tenant_id=tenant_id, active_from=begins)
        if before is not None and created:
            before.active_to = begins
            before.save(update_fields=["active_to"])
        elif before is not None:
            row = before
        row.plan_version, row.status, row.active_to = bought, status, ends
        _write(row, beside, is_new=created)
        raised = keep_at_least(
            tenant_id=tenant_id,
            asked=asked,
            now_asked=regulated_requirements([bought.id, *(one.id for one in beside)]),
            because=f"the change to {bought} would have asked less",
            at=at,
        )
        told = _told(row)
        audit.api.append(
            tenant_id=tenant_id,
            kind=audit.api.Kind.SUBSCRIPTION_CHANGED,
            at=at,
            payload={
                "by": author,
                "old": subscription_json(old),
                "new": subscription_json(told),
                "floors_raised": floors_json(raised),
            },
        )
        publish("tenant", str(tenant_id))
        return told, created


def get_subscription(*, tenant_id: UUID, at: datetime) -> Subscription:
    """Return what the tenant is on at an instant, whatever its status.

    :raises SubscriptionNotFound: nothing then.
    """
    with tenant_transaction(tenant_id):
        row = _covering(tenant_id, at)
        if row is None:
            raise SubscriptionNotFound("The tenant has no subscription at this instant.")
        return _told(row)


def list_subscriptions(*, tenant_id: UUID) -> list[Subscription]:
    """List what the tenant was on, is on and will be on, in order."""
    with tenant_transaction(tenant_id):
        rows = SubscriptionRow.objects.filter(tenant_id=tenant_id).order_by("active_from")
        return [_told(row) for row in rows]


def subscription_json(told: Subscription | None) -> dict[str, Any] | None:
    """Write a subscription for people and the trail."""
    if told is None:
        return None
    return {
        "plan": told.plan,
        "version": told.version,
        "status": told.status,
        "active_from": told.active_from.isoformat(),
        "active_to": told.active_to.isoformat() if told.active_to else None,
        "add_ons": [{"key": key, "version": number} for key, number in told.add_ons],
    }


def _covering(tenant_id: UUID, at: datetime) -> SubscriptionRow | None:
    return (
        SubscriptionRow.objects.filter(tenant_id=tenant_id, active_from__lte=at)
        .filter(Q(active_to__isnull=True) | Q(active_to__gt=at))
        .first()
    )


def _versions(row: SubscriptionRow | None) -> list[PlanVersion]:
    """List the plan's version first, then the add-ons' by key."""
    if row is None:
        return []
    beside = list(SubscriptionAddOn.objects.filter(subscription=row).values_list("plan_version_id", flat=True))
    known = versions_by_id([row.plan_version_id, *beside])
    return [known[row.plan_version_id], *sorted((known[one] for one in beside), key=lambda one: one.plan.key)]


def _ever_held(tenant_id: UUID, begins: datetime, at: datetime) -> list[UUID]:
    # What was to begin at this very instant, and has not begun yet, asked nothing of anybody.
    rows = SubscriptionRow.objects.filter(tenant_id=tenant_id, status__in=GRANTING).filter(
        Q(active_from__lt=begins) | Q(active_from__lte=at)
    )
    beside = SubscriptionAddOn.objects.filter(subscription__in=rows)
    return [*rows.values_list("plan_version_id", flat=True), *beside.values_list("plan_version_id", flat=True)]


def _write(row: SubscriptionRow, beside: Sequence[PlanVersion], *, is_new: bool) -> None:
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
    SubscriptionAddOn.objects.filter(subscription=row).exclude(plan_version__in=beside).delete()
    kept = set(SubscriptionAddOn.objects.filter(subscription=row).values_list("plan_version_id", flat=True))
    SubscriptionAddOn.objects.bulk_create(
        SubscriptionAddOn(tenant_id=row.tenant_id, subscription=row, plan_version=one)
        for one in beside
        if one.id not in kept
    )


def _told(row: SubscriptionRow) -> Subscription:
    plan, *beside = _versions(row)
    return Subscription(
        id=row.id,
        plan=plan.plan.key,
        version=plan.number,
        status=str(row.status),
        active_from=row.active_from,
        active_to=row.active_to,
        add_ons=tuple((one.plan.key, one.number) for one in beside),
    )
