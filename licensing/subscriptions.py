"""Which plan a tenant is on, when: what the vendor's own people say of it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from isolation.api import tenant_transaction
from licensing import names
from licensing.errors import InvalidRange, InvalidTerm, SubscriptionManaged, SubscriptionNotFound
from licensing.models import Subscription as SubscriptionRow
from licensing.models.holdings import SubscriptionStatus
from licensing.selling import add_on_versions, plan_version
from licensing.subscription_rows import Subscription, Wanted, covering, grace_end, held, place, told
from licensing.tenant_lock import lock_tenant


def put_subscription(  # noqa: PLR0913 - each part is named
    *,
    tenant_id: UUID,
    plan: str,
    version: int | None = None,
    status: str = "active",
    active_from: datetime | None = None,
    active_to: datetime | None = None,
    add_ons: Sequence[str] = (),
    take_over: bool = False,
    by: str,
    at: datetime,
) -> tuple[Subscription, bool]:
    """Put a tenant on a plan from an instant on, closing at that instant whatever it was on.

    Returns the subscription, and whether it begins anew (False where one was changed in its place, or nothing
    was). Naming what is already so changes nothing. Past due has the plan's days of grace.

    version: None for the one on sale, or the one that the tenant is on already.
    active_from: None for ``at``. active_to: None for open.
    take_over: also where billing manages what the tenant is on, and would put that back when it next looks.
    :raises UnknownPlan: no such plan, version or add-on is for sale.
    :raises InvalidRange: an empty range.
    :raises SubscriptionOverlap: a later subscription begins within the range.
    :raises SubscriptionManaged: what the tenant is on then is changed in billing.
    """
    begins = names.beginning(active_from or at, "active_from")
    ends = None if active_to is None else names.instant(active_to, "active_to")
    if ends is not None and ends <= begins:
        raise InvalidRange("active_to must be later than active_from.")
    if status not in SubscriptionStatus.values:
        raise InvalidTerm(f"A subscription is one of {', '.join(SubscriptionStatus.values)}.")
    author = names.text(by, "author", may_be_empty=False)
    with tenant_transaction(tenant_id):
        lock_tenant(tenant_id)
        before = held(covering(tenant_id, begins))
        known = before.versions if before else ()
        wanted = Wanted(
            plan=(bought := plan_version(plan, version, held=known[0] if known else None)),
            beside=add_on_versions(add_ons, held=known[1:]),
            status=status,
            active_to=ends,
            grace_until=grace_end(before, bought, at=begins),
        )
        if before is not None:
            if before.row.managed_by and not take_over:
                raise SubscriptionManaged(
                    "Billing manages what this tenant is on: change it there, or take it over.",
                    managed_by=str(before.row.managed_by),
                )
            if before.is_so(wanted):
                return before.told, False
        return place(tenant_id, before, wanted, begins=begins, by=author, at=at)


def get_subscription(*, tenant_id: UUID, at: datetime) -> Subscription:
    """Return what the tenant is on at an instant, whatever its status.

    :raises SubscriptionNotFound: nothing then.
    """
    with tenant_transaction(tenant_id):
        row = covering(tenant_id, at)
        if row is None:
            raise SubscriptionNotFound("The tenant has no subscription at this instant.")
        return told(row)


def list_subscriptions(*, tenant_id: UUID) -> list[Subscription]:
    """List what the tenant was on, is on and will be on, in order."""
    with tenant_transaction(tenant_id):
        rows = SubscriptionRow.objects.filter(tenant_id=tenant_id).order_by("active_from")
        return [told(row) for row in rows]
