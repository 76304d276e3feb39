"""Find tenants by what they are called and what they are on: for the vendor's operator, over all tenants."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from licensing import names
from licensing.errors import InvalidName
from licensing.models import Plan, Subscription
from licensing.models import Tenant as TenantRow
from licensing.models.catalogue import PlanKind
from licensing.models.directory import TenantStatus
from licensing.models.holdings import SubscriptionStatus

_SWEEP: Final = "sweep"
NO_SUBSCRIPTION: Final = "none"
TENANT_STATES: Final = (*TenantStatus.values, *SubscriptionStatus.values, NO_SUBSCRIPTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantLine:
    """A tenant with what it is on.

    plan: as versions are named; "" where it is on nothing, and then ``subscription`` is so too.
    """

    id: UUID
    slug: str
    name: str
    status: str
    plan: str
    subscription: str


def search_tenants(
    *, text: str = "", plan: str = "", state: str = "", after: str = "", limit: int = 50, at: datetime
) -> list[TenantLine]:
    """List a page of tenants by slug, the vendor left out, in two statements. By the sweep's role.

    text: part of the name or slug, or the id. plan: a plan's key. state: one of `TENANT_STATES`, a tenant's or its
    subscription's. after: the last slug of the page before.
    :raises InvalidName: no such state.
    """
    if state and state not in TENANT_STATES:
        raise InvalidName(f"A state is one of {', '.join(TENANT_STATES)}.")
    rows = TenantRow.objects.using(_SWEEP).exclude(id=names.VENDOR_TENANT_ID).filter(slug__gt=_plain(after))
    if wanted := _plain(text).strip():
        known = names.as_uuid(wanted)
        rows = rows.filter(Q(id=known) if known else Q(name__icontains=wanted) | Q(slug__icontains=wanted.lower()))
    if plan:
        rows = rows.filter(Exists(_held(at).filter(tenant=OuterRef("id"), plan_version__plan__key=_plain(plan))))
    if state == NO_SUBSCRIPTION:
        rows = rows.filter(~Exists(_held(at).filter(tenant=OuterRef("id"))))
    elif state in SubscriptionStatus.values:
        rows = rows.filter(Exists(_held(at).filter(tenant=OuterRef("id"), status=state)))
    elif state:
        rows = rows.filter(status=state)
    page = list(rows.order_by("slug").only("id", "slug", "name", "status")[: max(0, limit)])
    return _lines(page, at)


def list_plan_keys() -> list[str]:
    """List the plans' keys, the cheapest first, add-ons left out."""
    return list(Plan.objects.filter(kind=PlanKind.PLAN).order_by("rank", "key").values_list("key", flat=True))


def _lines(page: Sequence[TenantRow], at: datetime) -> list[TenantLine]:
    on = _held(at).using(_SWEEP).filter(tenant__in=[row.id for row in page])
    held = {row.tenant_id: row for row in on.select_related("plan_version__plan")}
    return [
        TenantLine(
            id=row.id,
            slug=row.slug,
            name=row.name,
            status=str(row.status),
            plan=str(held[row.id].plan_version) if row.id in held else "",
            subscription=str(held[row.id].status) if row.id in held else "",
        )
        for row in page
    ]


def _held(at: datetime) -> QuerySet[Subscription]:
    return Subscription.objects.filter(Q(active_to__isnull=True) | Q(active_to__gt=at), active_from__lte=at)


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\x00", "")
