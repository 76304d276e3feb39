"""Who is on which version of a plan: for the vendor's operator, over all tenants."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, Q

from licensing.models import Plan, PlanVersion, Subscription, SubscriptionAddOn
from licensing.models.catalogue import PlanKind
from licensing.plans.versions import VersionRef, get_row, parse_ref, ref_of

_SWEEP: Final = "sweep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holders:
    """How many tenants are on one version."""

    ref: VersionRef
    tenants: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanHolders:
    """Who is on a plan or add-on. on_sale: the version that new subscriptions get; None for none.

    is_default: tenants fall to the version on sale when nothing is paid for.
    """

    on_sale: VersionRef | None
    is_default: bool
    versions: tuple[Holders, ...]


def holders_of(*, ref: str, at: datetime) -> PlanHolders:
    """Count who is on each version of this version's plan, the newest first, in two statements. By the sweep's role.

    :raises InvalidName: no name of a version. :raises VersionNotFound: there is none of this name.
    """
    row = get_row(parse_ref(ref))
    plan = Plan.objects.select_related("current__plan").get(id=row.plan_id)
    open_now = Q(active_to__isnull=True) | Q(active_to__gt=at)
    held = Subscription.objects.using(_SWEEP).filter(open_now, active_from__lte=at)
    distinct = Count("tenant", distinct=True)
    if plan.kind == PlanKind.ADD_ON:
        beside = SubscriptionAddOn.objects.using(_SWEEP).filter(subscription__in=held, plan_version__plan=plan)
        counts = dict(beside.values_list("plan_version").annotate(tenants=distinct).order_by())
    else:
        on_it = held.filter(plan_version__plan=plan)
        counts = dict(on_it.values_list("plan_version").annotate(tenants=distinct).order_by())
    rows = PlanVersion.objects.select_related("plan").filter(id__in=counts).order_by("-number")
    return PlanHolders(
        on_sale=ref_of(plan.current) if plan.current else None,
        is_default=plan.is_default,
        versions=tuple(Holders(ref=ref_of(one), tenants=counts[one.id]) for one in rows),
    )
