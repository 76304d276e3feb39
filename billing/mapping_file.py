"""A file that says which price pays for what, and which account at Stripe is whose."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from billing.customers import link_customer
from billing.errors import InvalidMapping
from billing.prices import map_price
from licensing import api as licensing


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """How many were new."""

    prices: int
    customers: int


def take(said: Any, *, by: str, at: datetime) -> Taken:
    """Take a mapping, whole or not at all.

    said: ``{prices: {price: {kind, key, version?}}, customers: {account: tenant}}``; without a version, the one on sale.
    :raises InvalidMapping: it has another shape, or names a version that there is not.
    :raises PriceTaken: :raises CustomerTaken: :raises licensing.api.TenantNotFound:
    """
    prices, customers = _section(said, "prices"), _section(said, "customers")
    versions = licensing.list_priced_versions()
    meant = {str(price): _version(price, one, versions) for price, one in prices.items()}
    owners = {str(one): licensing.get_tenant(str(tenant)).id for one, tenant in customers.items()}
    with transaction.atomic():
        return Taken(
            prices=sum(map_price(price=price, plan_version=one, by=by, at=at) for price, one in meant.items()),
            customers=sum(
                link_customer(tenant_id=tenant, stripe_id=one, by=by, at=at) for one, tenant in owners.items()
            ),
        )


def _section(said: Any, name: str) -> dict[str, Any]:
    if not isinstance(said, dict) or set(said) - {"prices", "customers"}:
        raise InvalidMapping("A mapping has the sections prices and customers, and no other.")
    found = said.get(name) or {}
    if not isinstance(found, dict):
        raise InvalidMapping(f"The section {name} is a mapping.")
    return found


def _version(price: str, said: Any, versions: list[licensing.PricedVersion]) -> UUID:
    if not isinstance(said, dict) or not {"kind", "key"} <= set(said) <= {"kind", "key", "version"}:
        raise InvalidMapping(f"What {price} pays for is said as kind, key and, if it is not the one on sale, version.")
    for one in versions:
        is_meant = one.is_current if said.get("version") is None else one.number == said["version"]
        if (one.kind, one.plan) == (said["kind"], said["key"]) and is_meant:
            return one.id
    raise InvalidMapping(f"There is no version of {said['kind']} {said['key']!r} that {price} could pay for.")
