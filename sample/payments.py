"""Writing down what was allowed, within the transaction that the caller holds."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from sample.errors import AlreadyPaid
from sample.models import Deletion, Payment

TIME_TO_THINK: Final = timedelta(days=30)


def approve_payment(
    *, tenant_id: UUID, reference: str, amount: int, currency: str, payee: str, by: str, at: datetime
) -> Payment:
    """Write down an approved payment.

    amount: in minor units.
    :raises AlreadyPaid: the workspace has a payment of that reference.
    """
    row = Payment(
        tenant_id=tenant_id,
        reference=reference,
        amount=amount,
        currency=currency,
        payee=payee,
        approved_by=by,
        approved_at=at,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        if "sample_payment_paid_once" not in str(error):
            raise
        raise AlreadyPaid("A payment with this reference was approved before.") from error
    return row


def schedule_deletion(*, tenant_id: UUID, by: str, at: datetime) -> Deletion:
    """Write down that a workspace is to be deleted; asked again, the first time stands."""
    row, _ = Deletion.objects.get_or_create(
        tenant_id=tenant_id, defaults={"asked_by": by, "asked_at": at, "due_at": at + TIME_TO_THINK}
    )
    return row
