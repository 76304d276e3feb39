"""The versions of plans and add-ons that were ever published, with what they cost."""

from dataclasses import dataclass
from uuid import UUID

from licensing.models import PlanVersion
from licensing.models.catalogue import VersionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedVersion:
    """One version. amount: in the currency's minor units; None: not for sale by itself. is_current: it is on sale."""

    id: UUID
    kind: str
    plan: str
    title: str
    number: int
    content_hash: str
    amount: int | None
    currency: str
    interval: str
    is_current: bool


def list_priced_versions() -> list[PricedVersion]:
    """List every version that was ever published, by kind, plan and number."""
    rows = PlanVersion.objects.select_related("plan").exclude(status=VersionStatus.DRAFT)
    return [
        PricedVersion(
            id=row.id,
            kind=str(row.kind),
            plan=row.plan.key,
            title=row.plan.title or row.plan.key,
            number=row.number,
            content_hash=row.content_hash,
            amount=row.price_amount,
            currency=row.price_currency,
            interval=str(row.price_interval),
            is_current=row.plan.current_id == row.id,
        )
        for row in rows.order_by("kind", "plan__key", "number")
    ]
