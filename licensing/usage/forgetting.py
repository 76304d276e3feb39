"""Letting go of whose use it was; what was used stays counted."""

from uuid import UUID

from isolation.api import tenant_transaction
from licensing.models import UsageEntry


def forget_subject(*, tenant_id: UUID, subject: tuple[str, str]) -> None:
    """Leave out of the tenant's ledger whose use it was, of a subject who was erased."""
    with tenant_transaction(tenant_id):
        UsageEntry.objects.filter(tenant_id=tenant_id, subject_type=subject[0], subject_id=subject[1]).update(
            subject_type="", subject_id=""
        )
