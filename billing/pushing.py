"""Making what is sold here known at Stripe: a product for each plan and add-on, a price for each version."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from billing.prices import map_price, price_of
from licensing import api as licensing


class Shop(Protocol):
    """What is asked of Stripe."""

    def put_product(self, *, product: str, name: str, metadata: Mapping[str, str]) -> str:
        """Make a product under an id of ours; one that is there already stays."""

    def create_price(
        self, *, product: str, amount: int, currency: str, interval: str, metadata: Mapping[str, str], key: str
    ) -> str:
        """Make a price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """A price that was made, or would be. price: "" where it would."""

    version: str
    price: str


def push_prices(*, gateway: Shop | None, by: str, at: datetime) -> list[Pushed]:
    """Make products and prices at Stripe for versions on sale that have none, and return which.

    A run that is cut short is gone on with by the next: ids and keys are worked out of what is sold, so nothing is
    made twice. gateway: None makes nothing, and returns what would be made.
    """
    out = []
    for version in licensing.list_priced_versions():
        if not version.is_current or version.amount is None or version.interval == "once":
            continue
        if price_of(kind=version.kind, key=version.plan, version=version.number) is not None:
            continue
        named = f"{version.plan}@{version.number}"
        price = "" if gateway is None else _push(gateway, version, by=by, at=at)
        out.append(Pushed(version=named, price=price))
    return out


def _push(gateway: Shop, version: licensing.PricedVersion, *, by: str, at: datetime) -> str:
    told = {"tiergate.kind": version.kind, "tiergate.plan": version.plan}
    product = gateway.put_product(product=product_id(version.kind, version.plan), name=version.title, metadata=told)
    price = gateway.create_price(
        product=product,
        amount=version.amount or 0,
        currency=version.currency,
        interval=version.interval,
        metadata={**told, "tiergate.version": str(version.number)},
        key=f"price-{version.id}",
    )
    map_price(price=price, plan_version=version.id, product=product, by=by, at=at)
    return price


def product_id(kind: str, key: str) -> str:
    """Work out the id of a plan's product: letters, digits and _ alone, and no two keys the same."""
    plain = "".join(one if one.isalnum() else "_" for one in key)[:40]
    return f"tiergate_{kind}_{plain}_{sha256(key.encode()).hexdigest()[:8]}"
