"""Stripe's own entitlements: the features of the products that a customer's subscriptions are of."""

from config.fake_stripe.account import Account
from config.fake_stripe.events import emit
from config.fake_stripe.lists import PAGE, page
from config.fake_stripe.routing import serves
from config.fake_stripe.wire import Obj, Params, Refusal, copied, listing

ENTITLED = {"active", "trialing", "past_due"}
# The summary's event carries no more than these; the rest is paged for.
_IN_SUMMARY = 10


@serves("POST /v1/entitlements/features", "lookup_key name metadata")
def create_feature(account: Account, params: Params) -> Obj:
    """Make a feature."""
    key = params.needed("lookup_key")
    if any(feature["lookup_key"] == key for feature in account.all("entitlements.feature")):
        raise Refusal("A feature with this lookup key exists.", code="resource_already_exists", param="lookup_key")
    made: Obj = {
        "id": account.new_id("feat_"),
        "object": "entitlements.feature",
        "active": True,
        "livemode": False,
        "lookup_key": key,
        "metadata": params.metadata(),
        "name": params.needed("name"),
    }
    return account.add(made)


@serves("GET /v1/entitlements/features", f"lookup_key archived {PAGE}")
def list_features(account: Account, params: Params) -> Obj:
    """List the features."""
    rows = list(account.all("entitlements.feature"))
    if key := params.text("lookup_key"):
        rows = [row for row in rows if row["lookup_key"] == key]
    return page("/v1/entitlements/features", "entitlements.feature", params, rows)


@serves("GET /v1/entitlements/features/*")
def get_feature(account: Account, _params: Params, name: str) -> Obj:
    """Answer one feature."""
    return account.get("entitlements.feature", name)


@serves("POST /v1/products/*/features", "entitlement_feature")
def attach_feature(account: Account, params: Params, product: str) -> Obj:
    """Let a product have a feature."""
    account.get("product", product)
    wanted = params.needed("entitlement_feature")
    feature = account.named("entitlements.feature", wanted, "entitlement_feature")
    made: Obj = {
        "id": account.new_id("prodft_"),
        "object": "product_feature",
        "entitlement_feature": feature,
        "livemode": False,
    }
    account.secret(product).setdefault("features", []).append(made)
    account.add(made)
    for customer in list(account.all("customer")):
        refresh(account, customer["id"])
    return made


@serves("GET /v1/products/*/features", PAGE)
def list_product_features(account: Account, params: Params, product: str) -> Obj:
    """List the features of a product."""
    account.get("product", product)
    return page(f"/v1/products/{product}/features", "product_feature", params, _features(account, product))


@serves("DELETE /v1/products/*/features/*")
def detach_feature(account: Account, _params: Params, product: str, name: str) -> Obj:
    """Take a feature from a product."""
    account.drop(account.get("product_feature", name))
    kept = [one for one in _features(account, product) if one["id"] != name]
    account.secret(product)["features"] = kept
    for customer in list(account.all("customer")):
        refresh(account, customer["id"])
    return {"id": name, "object": "product_feature", "deleted": True}


@serves("GET /v1/entitlements/active_entitlements", f"customer {PAGE}")
def list_active(account: Account, params: Params) -> Obj:
    """List what a customer is entitled to."""
    customer = account.named("customer", params.needed("customer"), "customer")
    rows = list(_active(account, customer["id"]).values())
    return page("/v1/entitlements/active_entitlements", "entitlements.active_entitlement", params, rows)


@serves("GET /v1/entitlements/active_entitlements/*")
def get_active(account: Account, _params: Params, name: str) -> Obj:
    """Answer one active entitlement."""
    return account.get("entitlements.active_entitlement", name)


def _features(account: Account, product: str) -> list[Obj]:
    found: list[Obj] = account.hidden.get(product, {}).get("features", [])
    return found


def _active(account: Account, customer: str) -> Obj:
    found: Obj = account.secret(customer).setdefault("entitled", {})
    return found


def refresh(account: Account, customer: str) -> None:
    """Work out anew what a customer is entitled to, and tell when that changed."""
    wanted = {
        one["entitlement_feature"]["id"]: one["entitlement_feature"]
        for subscription in account.of("subscription", customer)
        if subscription["status"] in ENTITLED
        for item in subscription["items"]["data"]
        for one in _features(account, item["price"]["product"])
    }
    active = _active(account, customer)
    if wanted.keys() == active.keys():
        return
    before = copied(_summary(customer, active))
    for gone in active.keys() - wanted.keys():
        account.drop(active.pop(gone))
    for name, feature in wanted.items():
        if name not in active:
            active[name] = account.add(
                {
                    "id": account.new_id("ent_"),
                    "object": "entitlements.active_entitlement",
                    "feature": name,
                    "livemode": False,
                    "lookup_key": feature["lookup_key"],
                }
            )
    after = _summary(customer, active)
    emit(
        account,
        "entitlements.active_entitlement_summary.updated",
        after,
        {"entitlements": before["entitlements"]},
    )


def _summary(customer: str, active: Obj) -> Obj:
    rows = list(active.values())[::-1]
    url = f"/v1/customer/{customer}/entitlements"
    return {
        "object": "entitlements.active_entitlement_summary",
        "customer": customer,
        "entitlements": listing(url, rows[:_IN_SUMMARY], has_more=len(rows) > _IN_SUMMARY),
        "livemode": False,
    }
