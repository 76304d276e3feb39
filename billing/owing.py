"""Writing down a call that Stripe is owed, in the transaction that decides on it; `billing.calls` makes it."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from billing.models import Call, Customer
from isolation.api import tenant_transaction


class Operation(StrEnum):
    """What may be called for."""

    CREATE_CUSTOMER = "create_customer"
    UPDATE_CUSTOMER = "update_customer"
    CANCEL_SUBSCRIPTION = "cancel_subscription"


def call_later(
    *, tenant_id: UUID, operation: Operation, parameters: Mapping[str, Any], purpose: str, at: datetime
) -> bool:
    """Write down a call within the transaction that decides on it, and return whether it is new.

    purpose: names what it is for; the same purpose is the same call, whoever asks again.
    """
    with tenant_transaction(tenant_id):
        _row, is_new = Call.objects.get_or_create(
            tenant_id=tenant_id,
            purpose=purpose,
            defaults={
                "id": uuid4(),
                "operation": operation,
                "parameters": dict(parameters),
                "created_at": at,
                "next_try_at": at,
            },
        )
        return is_new


def want_customer(*, tenant_id: UUID, name: str, at: datetime) -> bool:
    """Have an account at Stripe made for a tenant that has none, and return whether that was not asked for before."""
    with tenant_transaction(tenant_id):
        if Customer.objects.filter(tenant_id=tenant_id).exists():
            return False
        return call_later(
            tenant_id=tenant_id,
            operation=Operation.CREATE_CUSTOMER,
            parameters={"tenant": str(tenant_id), "name": name},
            purpose=customer_purpose(tenant_id=tenant_id),
            at=at,
        )


def customer_purpose(*, tenant_id: UUID) -> str:
    """Name the call for a tenant's account that is still to be made: one more than were made, and deleted at Stripe."""
    with tenant_transaction(tenant_id):
        made = Call.objects.filter(
            tenant_id=tenant_id, operation=Operation.CREATE_CUSTOMER, done_at__isnull=False
        ).count()
    return f"customer {made + 1}" if made else "customer"
