"""What can be bought online, with the price at Stripe that pays for it."""

from collections.abc import Collection, Sequence

from billing.errors import NotForSale
from billing.prices import price_of, priced_of
from billing.subscribed import is_on
from billing.wanting import Offered
from licensing import api as licensing


def offered_plan(key: str) -> Offered:
    """Find the version of a plan that is on sale.

    :raises NotForSale: there is none, or it has no price at Stripe.
    """
    return _offered("plan", [key])[0]


def offered_add_ons(keys: Sequence[str]) -> list[Offered]:
    """Find the versions of add-ons that are on sale, each once.

    :raises NotForSale: one is not, or has no price at Stripe.
    """
    return _offered("add_on", sorted(set(keys)))


def offered(*, plan: str, add_ons: Sequence[str] = ()) -> list[tuple[str, str, int]]:
    """Name what a checkout of these would sell: kind, key and number of each.

    :raises NotForSale: one of them is not sold online.
    """
    return [(one.kind, one.key, one.version) for one in (offered_plan(plan), *offered_add_ons(add_ons))]


def is_sold(plan: str) -> bool:
    """Say whether a plan can be bought online."""
    try:
        offered_plan(plan)
    except NotForSale:
        return False
    return True


def is_any_sold(wanted: Collection[tuple[str, str, int]]) -> bool:
    """Say whether any of these versions can be bought online: there is billing here, and a price that pays for it.

    wanted: kind, key and number of each, of what is on sale by the month or year.
    """
    return bool(wanted) and is_on() and not set(wanted).isdisjoint(priced_of({key for _, key, _ in wanted}))


def interval_of(kind: str, key: str, version: int) -> str:
    """Tell how often a version is paid for: ``month`` or ``year``.

    :raises NotForSale: it is not paid for again and again.
    """
    for one in licensing.list_priced_versions():
        if (one.kind, one.plan, one.number) == (kind, key, version) and one.interval in {"month", "year"}:
            return one.interval
    raise NotForSale("That is not paid for by the month or year.")


def _offered(kind: str, keys: Sequence[str]) -> list[Offered]:
    on_sale = {one.plan: one for one in licensing.list_priced_versions() if one.kind == kind and one.is_current}
    out = []
    for key in keys:
        version = on_sale.get(key)
        price = None if version is None else price_of(kind=kind, key=key, version=version.number)
        if version is None or price is None or version.interval not in {"month", "year"}:
            raise NotForSale("That cannot be bought online here.")
        out.append(
            Offered(
                kind=kind,
                key=key,
                version=version.number,
                title=version.title,
                price=price,
                interval=version.interval,
            )
        )
    return out
