"""What a tenant was charged, as Stripe has it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from billing.customers import get_customer
from billing.errors import CustomerNotFound
from billing.gateway_checkout import Till, get_till
from billing.state import instant

MOST_LINES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """One invoice.

    total, paid: in minor units of ``currency``. url, pdf: where it is shown, "" while it is a draft. about: what it is
    for, by its first lines.
    """

    id: str
    number: str
    status: str
    created_at: datetime | None
    total: int
    paid: int
    currency: str
    url: str
    pdf: str
    about: tuple[str, ...]


def list_invoices(*, tenant_id: UUID, after: str = "", limit: int, till: Till | None = None) -> list[Invoice]:
    """List a tenant's invoices, the newest first; none of whoever has no account at Stripe.

    after: the id of the one before.
    :raises BillingOff: :raises StripeUnavailable: :raises StripeRefused:
    """
    till = till or get_till()
    try:
        customer = get_customer(tenant_id=tenant_id).stripe_id
    except CustomerNotFound:
        return []
    # By the tenant's own account: an id of somebody else's invoice shows nothing.
    return [_told(one) for one in till.invoices_of(customer, after=after, limit=limit) if one["customer"] == customer]


def _told(said: dict[str, Any]) -> Invoice:
    return Invoice(
        id=str(said["id"]),
        number=str(said.get("number") or ""),
        status=str(said["status"]),
        created_at=instant(said["created"]),
        total=int(said["total"]),
        paid=int(said["amount_paid"]),
        currency=str(said["currency"]),
        url=str(said.get("hosted_invoice_url") or ""),
        pdf=str(said.get("invoice_pdf") or ""),
        about=tuple(_about(said)),
    )


def _about(said: dict[str, Any]) -> Iterator[str]:
    for line in (said.get("lines") or {}).get("data", ())[:MOST_LINES]:
        if line.get("description"):
            yield str(line["description"])
