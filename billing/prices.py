"""What each price at Stripe pays for."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

import audit.api
from billing.errors import PriceTaken
from billing.models import Price
from billing.settling import Sold
from billing.state import State
from isolation.api import tenant_transaction
from licensing import api as licensing


def sold_in(state: State) -> dict[str, Sold]:
    """Read what the prices of a state pay for; those that nobody has mapped are left out."""
    return sold_by({item.price for one in state for item in one.items})


def sold_by(prices: Collection[str]) -> dict[str, Sold]:
    """Read what prices pay for; those that nobody has mapped are left out."""
    rows = Price.objects.select_related("plan_version__plan").filter(id__in=prices)
    return {row.id: _sold(row.plan_version) for row in rows}


def map_price(*, price: str, plan_version: Any, product: str = "", by: str, at: datetime) -> bool:
    """Say what a price pays for, and return whether that is new. What was said once stays so.

    plan_version: the id of a version that was published.
    :raises PriceTaken: it pays for another version already.
    """
    with transaction.atomic(), tenant_transaction(licensing.VENDOR_TENANT_ID):
        held = Price.objects.select_related("plan_version__plan").filter(id=price).first()
        if held is None:
            try:
                with transaction.atomic():
                    held = Price.objects.create(id=price, plan_version_id=plan_version, product=product, created_at=at)
            except IntegrityError:
                held = Price.objects.get(id=price)
            else:
                audit.api.append(
                    tenant_id=licensing.VENDOR_TENANT_ID,
                    kind=audit.api.Kind.BILLING_PRICE_MAPPED,
                    at=at,
                    payload={"by": by, "price": price, "version": str(held.plan_version)},
                )
                return True
        if held.plan_version_id != plan_version:
            raise PriceTaken(f"The price {price} pays for {held.plan_version} already.", price=price)
        return False


def _sold(version: Any) -> Sold:
    return Sold(
        kind=str(version.kind),
        key=version.plan.key,
        version=version.number,
        rank=version.plan.rank,
        grace=timedelta(days=version.grace_days),
    )


def price_of(*, kind: str, key: str, version: int) -> str | None:
    """Find the price that pays for a version, the one mapped last; None where it has none at Stripe."""
    rows = Price.objects.filter(plan_version__kind=kind, plan_version__plan__key=key, plan_version__number=version)
    return rows.order_by("-created_at", "id").values_list("id", flat=True).first()


def priced_of(keys: Collection[str]) -> set[tuple[str, str, int]]:
    """List kind, key and number of each version of these plans and add-ons that has a price at Stripe."""
    rows = Price.objects.filter(plan_version__plan__key__in=keys)
    found = rows.values_list("plan_version__kind", "plan_version__plan__key", "plan_version__number")
    return {(str(kind), key, number) for kind, key, number in found}


def list_prices() -> dict[str, Sold]:
    """List every price that is mapped, with what it pays for."""
    return sold_by(list(Price.objects.values_list("id", flat=True)))
