"""Reading an account at Stripe that sold before Tiergate came: what would the catalogue be, and whose is which account?

Pure: what was read goes in, drafts and a list of what could not be mapped come out. Nobody's plan is guessed from a
name: features are left for a person to fill in, and a tenant is found by an id or a slug that the account itself says.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from billing.gateway import TENANT, id_of
from billing.state import State

_LIVE: Final = frozenset({"active", "trialing", "past_due", "paused", "unpaid"})
_NOT_KEY: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What was made of an account.

    catalogue: ``plans`` and ``add_ons`` of a catalogue file, without terms. prices: price -> kind and key.
    customers: account -> tenant's slug. unmapped: a sentence for each thing that a person must decide.
    """

    catalogue: dict[str, Any] = field(default_factory=dict)
    prices: dict[str, dict[str, str]] = field(default_factory=dict)
    customers: dict[str, str] = field(default_factory=dict)
    unmapped: list[str] = field(default_factory=list)


def draft_of(
    *,
    products: Iterable[Mapping[str, Any]],
    prices: Iterable[Mapping[str, Any]],
    customers: Iterable[Mapping[str, Any]],
    subscriptions: Mapping[str, State],
    tenants: Mapping[str, str],
) -> Draft:
    """Draft catalogue and mapping out of what an account holds.

    tenants: the slug of each tenant that there is, by slug and by id.
    """
    unmapped: list[str] = []
    names = {one["id"]: str(one.get("name") or one["id"]) for one in products}
    by_product: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for price in prices:
        if why := _why_not(price):
            unmapped.append(f"The price {price['id']} of {names.get(id_of(price['product']), '?')!r} {why}.")
        else:
            by_product[id_of(price["product"])].append(price)
    live = {one: [sub for sub in state if sub.status in _LIVE] for one, state in subscriptions.items()}
    beside = _only_beside(live)
    used = Counter(item.price for state in live.values() for sub in state for item in sub.items)
    catalogue: dict[str, Any] = {"plans": {}, "add_ons": {}}
    mapped: dict[str, dict[str, str]] = {}
    for rank, (product, found) in enumerate(_by_amount(by_product), start=1):
        kind = "add_on" if product in beside else "plan"
        section = catalogue["add_ons" if kind == "add_on" else "plans"]
        key = _free_key(names.get(product, product), taken=section)
        shown = max(found, key=lambda one: (used[one["id"]], one.get("active", True), -one["unit_amount"]))
        section[key] = {"title": names.get(product, product), "rank": rank * 10, "price": _price(shown), "terms": {}}
        mapped |= {one["id"]: {"kind": kind, "key": key} for one in found}
        unmapped += [
            f"The price {one['id']} also pays for {key!r}: the catalogue shows {shown['id']} alone."
            for one in found
            if one is not shown and used[one["id"]]
        ]
    owners, nobodys = _owners(customers, live, tenants)
    unknown = sorted(set(used) - set(mapped))
    unmapped += [f"The price {one} is subscribed to {used[one]} times, and is mapped to nothing." for one in unknown]
    return Draft(
        catalogue={name: section for name, section in catalogue.items() if section},
        prices=mapped,
        customers=owners,
        unmapped=[*unmapped, *nobodys, *_doubled(live, mapped)],
    )


def _why_not(price: Mapping[str, Any]) -> str:
    recurring = price.get("recurring")
    if not recurring:
        return "is paid once, so that no subscription has it"
    if recurring.get("interval") not in {"month", "year"} or recurring.get("interval_count", 1) != 1:
        return "is paid neither every month nor every year"
    if recurring.get("usage_type") == "metered" or price.get("unit_amount") is None:
        return "has no fixed amount"
    return ""


def _price(said: Mapping[str, Any]) -> dict[str, Any]:
    return {"amount": said["unit_amount"], "currency": said["currency"], "interval": said["recurring"]["interval"]}


def _by_amount(by_product: Mapping[str, list[Mapping[str, Any]]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    return sorted(by_product.items(), key=lambda one: (min(price["unit_amount"] for price in one[1]), one[0]))


def _only_beside(live: Mapping[str, Sequence[Any]]) -> set[str]:
    """Find products that nobody has without another one: add-ons."""
    alone, together = set(), set()
    for state in live.values():
        had = {item.product for sub in state for item in sub.items}
        if len(had) == 1:
            alone |= had
        else:
            together |= had
    # Where some are only ever had together, which is the plan cannot be told; then all are plans, and it is said.
    candidates = together - alone
    lonely = [
        had
        for state in live.values()
        if (had := {item.product for sub in state for item in sub.items}) and had <= candidates
    ]
    return candidates - {one for had in lonely for one in had}


def _doubled(live: Mapping[str, Sequence[Any]], mapped: Mapping[str, Mapping[str, str]]) -> list[str]:
    out = []
    for customer, state in sorted(live.items()):
        plans = {
            mapped[item.price]["key"]
            for sub in state
            for item in sub.items
            if mapped.get(item.price, {}).get("kind") == "plan"
        }
        if len(plans) > 1:
            out.append(f"The account {customer} has several plans: {', '.join(sorted(plans))}.")
    return out


def _owners(
    customers: Iterable[Mapping[str, Any]], live: Mapping[str, Sequence[Any]], tenants: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    owners: dict[str, str] = {}
    nobodys = []
    for one in customers:
        said = one.get("metadata") or {}
        slug = next(
            (tenants[said[name]] for name in (TENANT, "tenant", "tenant_id") if said.get(name) in tenants), None
        )
        if slug is not None and slug not in owners.values():
            owners[one["id"]] = slug
        elif live.get(one["id"]):
            why = "says no tenant that there is" if slug is None else f"says {slug!r}, which another account says too"
            nobodys.append(f"The account {one['id']} ({one.get('name') or one.get('email') or '?'}) {why}.")
    return owners, nobodys


def _free_key(name: str, *, taken: Mapping[str, Any]) -> str:
    plain = _NOT_KEY.sub("-", name.lower()).strip("-")[:60] or "plan"
    key, number = plain, 2
    while key in taken:
        key, number = f"{plain}-{number}", number + 1
    return key
