"""Which account at Stripe is whose."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction

import audit.api
from billing.errors import CustomerNotFound, CustomerTaken
from billing.models import Customer
from billing.nudging import nudge
from isolation.api import tenant_transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingCustomer:
    """A tenant's account at Stripe.

    is_settled: everything that is known to have happened there has been read.
    fetched_at: when it was read last. problem: what a person must look at, or "".
    dirty_since: since when something is left to read. dead_since: since when a person has to look at it.
    """

    tenant_id: UUID
    stripe_id: str
    is_settled: bool
    fetched_at: datetime | None
    problem: str
    dirty_since: datetime | None
    dead_since: datetime | None


def link_customer(*, tenant_id: UUID, stripe_id: str, by: str, at: datetime) -> bool:
    """Say which account at Stripe is a tenant's, have it read, and return whether that is new.

    It stays so until Stripe says that the account was deleted.

    :raises CustomerTaken: the tenant has another, or the account another tenant.
    """
    with transaction.atomic(), tenant_transaction(tenant_id):
        try:
            with transaction.atomic():
                Customer.objects.create(
                    id=uuid4(), tenant_id=tenant_id, stripe_id=stripe_id, created_at=at, dirty_at=at
                )
        except IntegrityError as error:
            if Customer.objects.filter(tenant_id=tenant_id, stripe_id=stripe_id).exists():
                return False
            raise CustomerTaken("The tenant has another account at Stripe, or the account another tenant.") from error
        audit.api.append(
            tenant_id=tenant_id,
            kind=audit.api.Kind.BILLING_LINKED,
            at=at,
            payload={"by": by, "customer": stripe_id},
        )
        nudge(using="default")
    return True


def unlink_deleted(*, tenant_id: UUID, stripe_id: str, at: datetime) -> bool:
    """Let go of an account of which Stripe itself says that it was deleted, and return whether it was still the tenant's.

    Nothing else unlinks one: there, all that was paid by it has ended, so that another one is paid beside nothing.
    """
    with transaction.atomic(), tenant_transaction(tenant_id):
        gone, _ = Customer.objects.filter(tenant_id=tenant_id, stripe_id=stripe_id).delete()
        if gone:
            audit.api.append(
                tenant_id=tenant_id,
                kind=audit.api.Kind.BILLING_UNLINKED,
                at=at,
                payload={"by": "billing", "customer": stripe_id, "why": "deleted_at_stripe"},
            )
    return bool(gone)


def get_customer(*, tenant_id: UUID) -> BillingCustomer:
    """Return a tenant's account at Stripe.

    :raises CustomerNotFound: it has none.
    """
    row = Customer.objects.filter(tenant_id=tenant_id).first()
    if row is None:
        raise CustomerNotFound("The tenant has no account at Stripe.")
    return _told(row)


def find_customer(*, stripe_id: str) -> BillingCustomer | None:
    """Find whose an account at Stripe is; None for nobody's."""
    row = Customer.objects.filter(stripe_id=stripe_id).first()
    return None if row is None else _told(row)


def _told(row: Customer) -> BillingCustomer:
    return BillingCustomer(
        tenant_id=row.tenant_id,
        stripe_id=row.stripe_id,
        is_settled=row.dirty_at is None,
        fetched_at=row.fetched_at,
        problem=row.last_error,
        dirty_since=row.dirty_at,
        dead_since=row.dead_at,
    )
