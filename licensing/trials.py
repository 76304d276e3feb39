"""Trying a plan, once: whoever comes again under another name is known by domain and card."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from isolation.api import keyed_digests, tenant_transaction
from licensing import names
from licensing.errors import InvalidRange, PlanHeld, SubscriptionManaged, TrialUsed
from licensing.lasting import terms_end
from licensing.models import Plan, TrialUse
from licensing.models.holdings import GRANTING, SubscriptionStatus
from licensing.models.pending import TrialMark
from licensing.selling import plan_version
from licensing.subscription_rows import Held, Subscription, Wanted, covering, held, lock_subscriptions, place

_MAX_DAYS: Final = 365
_PURPOSE: Final = "trial"


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

    days: 1 to 365. domain: the tenant's own, not one that many share. card_fingerprint: Stripe's.
    :raises UnknownPlan: no such plan is for sale. :raises InvalidRange: days that are none.
    :raises TrialUsed: it was tried before. :raises PlanHeld: the tenant is on a plan that it would lose.
    :raises SubscriptionManaged: billing manages what the tenant is on, and gives trials of its own.
    """
    if not 1 <= days <= _MAX_DAYS:
        raise InvalidRange(f"A trial lasts from 1 to {_MAX_DAYS} days.")
    author = names.text(by, "author", may_be_empty=False)
    with tenant_transaction(tenant_id):
        lock_subscriptions(tenant_id)
        before = held(covering(tenant_id, at))
        tried = plan_version(plan, None, held=None)
        _refuse_loss(before, at)
        for mark, text in _marks(tenant_id, domain, card_fingerprint):
            _use(tried.plan, mark, text, at)
        wanted = Wanted(plan=tried, status=SubscriptionStatus.TRIALING, trial_ends_at=at + timedelta(days=days))
        because = f"a trial of {days} days"
        return place(tenant_id, before, wanted, begins=at, by=author, at=at, because=because)[0]


def _refuse_loss(before: Held | None, at: datetime) -> None:
    if before is None or before.row.status not in GRANTING or before.versions[0].plan.is_default:
        return
    ends = terms_end(before.row, grace_days=before.versions[0].grace_days)
    if ends is not None and ends <= at:
        return
    if before.row.managed_by:
        raise SubscriptionManaged("Billing manages what this tenant is on, and gives trials of its own.")
    raise PlanHeld("The tenant is on a plan that it would lose by a trial.", plan=str(before.versions[0]))


def _marks(tenant_id: UUID, domain: str, card_fingerprint: str) -> Iterator[tuple[TrialMark, str]]:
    yield TrialMark.TENANT, str(tenant_id)
    if named := names.text(domain, "domain").lower().strip("."):
        yield TrialMark.DOMAIN, named
    if card := names.text(card_fingerprint, "card's fingerprint"):
        yield TrialMark.CARD, card


def _use(plan: Plan, mark: TrialMark, text: str, at: datetime) -> None:
    digests = keyed_digests(f"{_PURPOSE}/{mark}", text)
    used = TrialUse.objects.filter(plan=plan, mark=mark, digest__in=digests).exists()
    if not used:
        try:
            with transaction.atomic():
                TrialUse.objects.create(plan=plan, mark=mark, digest=digests[0], used_at=at)
        except IntegrityError:
            used = True
    if used:
        raise TrialUsed("This plan was tried before.")
