"""Trying a plan, once: whoever comes again under another name is known by domain and card."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from isolation.api import tenant_transaction
from licensing import names
from licensing.errors import InvalidRange, PlanHeld, SubscriptionManaged, TrialUsed, UnknownPlan
from licensing.lasting import terms_end
from licensing.models import Plan, Tenant
from licensing.models.catalogue import MAX_TRIAL_DAYS, PlanKind
from licensing.models.holdings import GRANTING, SubscriptionStatus
from licensing.selling import plan_version
from licensing.subscription_rows import Held, Subscription, Wanted, covering, held, place
from licensing.tenant_lock import lock_tenant
from licensing.trial_marks import is_trial_of, is_used, marks_of, use

_TRIED: Final = "This plan was tried before."


def start_trial(
    *,
    tenant_id: UUID,
    plan: str,
    days: int,
    domain: str = "",
    card_fingerprint: str = "",
    by: str,
    at: datetime,
) -> Subscription:
    """Let a tenant try a plan for some days; by time alone it falls to the default plan afterwards.

    A plan is tried once by a tenant, from a domain, and with a card; which of them has tried it is not told.

    days: 1 to 365. domain: the tenant's own, however it is spelled, not one that many share; its settings' ``domain`` if left out.
    card_fingerprint: Stripe's.
    :raises UnknownPlan: no such plan is for sale. :raises InvalidRange: days that are none.
    :raises TrialUsed: it was tried before. :raises PlanHeld: the tenant is on a plan that it would lose.
    :raises SubscriptionManaged: billing manages what the tenant is on, and gives trials of its own.
    """
    if not 1 <= days <= MAX_TRIAL_DAYS:
        raise InvalidRange(f"A trial lasts from 1 to {MAX_TRIAL_DAYS} days.")
    author = names.text(by, "author", may_be_empty=False)
    with tenant_transaction(tenant_id):
        lock_tenant(tenant_id)
        before = held(covering(tenant_id, at))
        tried = plan_version(plan, None, held=None)
        _refuse_loss(before, at)
        found = marks_of(tenant_id, settings_of(tenant_id), domain=domain, card_fingerprint=card_fingerprint)
        if not use(tried.plan, found, at=at):
            raise TrialUsed(_TRIED)
        wanted = Wanted(plan=tried, status=SubscriptionStatus.TRIALING, trial_ends_at=at + timedelta(days=days))
        because = f"a trial of {days} days"
        return place(tenant_id, before, wanted, begins=at, by=author, at=at, because=because)[0]


def trial_days(*, tenant_id: UUID, plan: str, at: datetime) -> int:
    """Tell for how many days a tenant may try a plan that is on sale, before anything is begun.

    :raises UnknownPlan: no such plan is for sale, or it cannot be tried.
    :raises TrialUsed: it was tried before. :raises PlanHeld: the tenant is on a plan that it would lose.
    :raises SubscriptionManaged: billing manages what the tenant is on.
    """
    with tenant_transaction(tenant_id):
        found = plan_version(plan, None, held=None).plan
        if not found.trial_days:
            raise UnknownPlan(f"The plan {plan!r} cannot be tried.", plan=plan)
        _refuse_loss(held(covering(tenant_id, at)), at)
        if is_used(found, marks_of(tenant_id, settings_of(tenant_id))):
            raise TrialUsed(_TRIED)
        return found.trial_days


def claim_trial(*, tenant_id: UUID, plan: str, external_id: str, card_fingerprint: str, at: datetime) -> bool:
    """Use up a plan's trial for one that began where it is billed; the same subscription's again is the same one.

    Returns False where the tenant, its domain or its card has tried the plan before: then it is none here.

    external_id: the subscription's, there.
    :raises UnknownPlan: there is no such plan.
    """
    with tenant_transaction(tenant_id):
        tried = _plan(plan)
        if is_trial_of(tried, tenant_id, used_by=external_id):
            return True
        marks = marks_of(tenant_id, settings_of(tenant_id), card_fingerprint=card_fingerprint)
        return use(tried, marks, used_by=external_id, at=at)


def has_claimed_trial(*, tenant_id: UUID, plan: str, external_id: str) -> bool:
    """Say whether the tenant's trial of a plan is the one of this subscription.

    :raises UnknownPlan: there is no such plan.
    """
    with tenant_transaction(tenant_id):
        return is_trial_of(_plan(plan), tenant_id, used_by=external_id)


def settings_of(tenant_id: UUID) -> dict[str, object]:
    """Read what is set for a tenant, in its transaction."""
    return dict(Tenant.objects.values_list("settings", flat=True).get(id=tenant_id))


def _plan(key: str) -> Plan:
    found = Plan.objects.filter(kind=PlanKind.PLAN, key=key).first()
    if found is None:
        raise UnknownPlan(f"There is no plan {key!r}.", plan=key)
    return found


def _refuse_loss(before: Held | None, at: datetime) -> None:
    if before is None or before.row.status not in GRANTING or before.versions[0].plan.is_default:
        return
    ends = terms_end(before.row, grace_days=before.versions[0].grace_days)
    if ends is not None and ends <= at:
        return
    if before.row.managed_by:
        raise SubscriptionManaged("Billing manages what this tenant is on, and gives trials of its own.")
    raise PlanHeld("The tenant is on a plan that it would lose by a trial.", plan=str(before.versions[0]))
