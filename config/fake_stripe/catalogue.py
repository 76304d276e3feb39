"""Products and prices."""

from decimal import Decimal, InvalidOperation

from config.fake_stripe.account import Account
from config.fake_stripe.events import changed, emit
from config.fake_stripe.lists import PAGE, in_time, page
from config.fake_stripe.routing import serves
from config.fake_stripe.wire import Obj, Params, Refusal, copied

_INTERVALS = ("day", "week", "month", "year")
_OF_PRODUCT = (
    "name active description metadata images marketing_features statement_descriptor tax_code unit_label url shippable"
)
_OF_PRICE = "active metadata nickname lookup_key transfer_lookup_key tax_behavior"


@serves("POST /v1/products", f"id default_price_data type {_OF_PRODUCT}")
def create_product(account: Account, params: Params) -> Obj:
    """Make a product, with its default price where one is described."""
    if (name := params.text("id")) and name in account.kinds.get("product", {}):
        raise Refusal("Product already exists.", code="resource_already_exists", param="id")
    now = account.now()
    made: Obj = {
        "id": name or account.new_id("prod_"),
        "object": "product",
        "active": params.flag("active") is not False,
        "created": now,
        "default_price": None,
        "description": params.text("description"),
        "images": params.words("images"),
        "livemode": False,
        "marketing_features": params.listed("marketing_features"),
        "metadata": params.metadata(),
        "name": params.needed("name"),
        "package_dimensions": None,
        "shippable": params.flag("shippable"),
        "statement_descriptor": params.text("statement_descriptor"),
        "tax_code": params.text("tax_code"),
        "type": params.choice("type", "good", "service") or "service",
        "unit_label": params.text("unit_label"),
        "updated": now,
        "url": params.text("url"),
    }
    price = params.inner("default_price_data")
    if price is not None:
        price.only("currency", "unit_amount", "unit_amount_decimal", "recurring", "tax_behavior", "metadata")
    account.add(made)
    if price is not None:
        made["default_price"] = _new_price(account, price, made["id"])["id"]
    emit(account, "product.created", made)
    return made


@serves("GET /v1/products", f"active ids created url shippable type {PAGE}")
def list_products(account: Account, params: Params) -> Obj:
    """List products."""
    rows = in_time(params, account.all("product"))
    if (active := params.flag("active")) is not None:
        rows = [row for row in rows if row["active"] == active]
    if ids := params.words("ids"):
        rows = [row for row in rows if row["id"] in ids]
    return page("/v1/products", "product", params, rows)


@serves("GET /v1/products/*")
def get_product(account: Account, _params: Params, name: str) -> Obj:
    """Answer one product."""
    return account.get("product", name)


@serves("POST /v1/products/*", f"default_price {_OF_PRODUCT}")
def update_product(account: Account, params: Params, name: str) -> Obj:
    """Change a product."""
    product = account.get("product", name)
    before = copied(product)
    for member in ("description", "statement_descriptor", "tax_code", "unit_label", "url"):
        if member in params:
            product[member] = params.text(member)
    if "name" in params:
        product["name"] = params.needed("name")
    if (active := params.flag("active")) is not None:
        product["active"] = active
    if price := params.text("default_price"):
        product["default_price"] = account.named("price", price, "default_price")["id"]
    for member in ("images", "marketing_features"):
        if member in params:
            product[member] = params.listed(member)
    product["metadata"] = params.metadata(product["metadata"])
    if product != before:
        product["updated"] = account.now()
        changed(account, "product.updated", before, product)
    return product


@serves("DELETE /v1/products/*")
def delete_product(account: Account, _params: Params, name: str) -> Obj:
    """Remove a product that has no prices."""
    product = account.get("product", name)
    if any(price["product"] == name for price in account.all("price")):
        raise Refusal("This product cannot be deleted because it has one or more user-created prices.")
    account.drop(product)
    emit(account, "product.deleted", product)
    return {"id": name, "object": "product", "deleted": True}


@serves(
    "POST /v1/prices",
    f"currency unit_amount unit_amount_decimal recurring product product_data billing_scheme {_OF_PRICE}",
)
def create_price(account: Account, params: Params) -> Obj:
    """Make a price of a product that is there, or of one that is described."""
    described = params.inner("product_data")
    if described is not None:
        described.only("id", "name", "active", "metadata", "statement_descriptor", "tax_code", "unit_label")
        return _new_price(account, params, create_product(account, described)["id"])
    return _new_price(account, params, account.named("product", params.needed("product"), "product")["id"])


def _new_price(account: Account, params: Params, product: str) -> Obj:
    recurring = params.inner("recurring")
    whole, exact = _amount(params)
    made: Obj = {
        "id": account.new_id("price_"),
        "object": "price",
        "active": params.flag("active") is not False,
        "billing_scheme": params.choice("billing_scheme", "per_unit") or "per_unit",
        "created": account.now(),
        "currency": params.needed("currency").lower(),
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": params.metadata(),
        "nickname": params.text("nickname"),
        "product": product,
        "recurring": None if recurring is None else _recurring(recurring),
        "tax_behavior": params.choice("tax_behavior", "exclusive", "inclusive", "unspecified") or "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time" if recurring is None else "recurring",
        "unit_amount": whole,
        "unit_amount_decimal": exact,
    }
    _take_lookup_key(account, made, params)
    account.add(made)
    emit(account, "price.created", made)
    return made


def _amount(params: Params) -> tuple[int | None, str]:
    """Read the price of one: whole cents, None where they are not whole, and the exact text."""
    if (text := params.text("unit_amount_decimal")) is not None:
        try:
            exact = Decimal(text)
        except InvalidOperation:
            raise Refusal(f"Invalid decimal: {text}", param=params.named("unit_amount_decimal")) from None
        return (int(exact) if exact == int(exact) else None), text
    whole = params.whole("unit_amount")
    if whole is None:
        raise Refusal(
            "Missing required param: unit_amount.", code="parameter_missing", param=params.named("unit_amount")
        )
    if whole < 0:
        raise Refusal(
            "Invalid non-negative integer", code="parameter_invalid_integer", param=params.named("unit_amount")
        )
    return whole, str(whole)


def _recurring(params: Params) -> Obj:
    params.only("interval", "interval_count", "usage_type", "trial_period_days", "meter")
    params.needed("interval")
    count = params.whole("interval_count")
    if count is not None and count < 1:
        raise Refusal("Invalid positive integer", param=params.named("interval_count"))
    return {
        "interval": params.choice("interval", *_INTERVALS),
        "interval_count": count or 1,
        "meter": None,
        "trial_period_days": params.whole("trial_period_days"),
        "usage_type": params.choice("usage_type", "licensed") or "licensed",
    }


def _take_lookup_key(account: Account, price: Obj, params: Params) -> None:
    """Name a price by a key that one price has at a time.

    :raises Refusal: another has it, and it was not said to hand it over.
    """
    key = params.text("lookup_key")
    if key is not None:
        for other in account.all("price"):
            if other["lookup_key"] == key and other is not price:
                if not params.flag("transfer_lookup_key"):
                    raise Refusal(
                        f"A price (`{other['id']}`) already uses that lookup key.",
                        code="resource_already_exists",
                        param="lookup_key",
                    )
                other["lookup_key"] = None
    price["lookup_key"] = key


@serves("GET /v1/prices", f"active product lookup_keys type currency recurring created {PAGE}")
def list_prices(account: Account, params: Params) -> Obj:
    """List prices."""
    rows = in_time(params, account.all("price"))
    if (active := params.flag("active")) is not None:
        rows = [row for row in rows if row["active"] == active]
    for member in ("product", "type", "currency"):
        if wanted := params.text(member):
            rows = [row for row in rows if row[member] == wanted]
    if keys := params.words("lookup_keys"):
        rows = [row for row in rows if row["lookup_key"] in keys]
    if (recurring := params.inner("recurring")) is not None:
        known = recurring.only("interval", "usage_type").values
        rows = [row for row in rows if row["recurring"] and all(row["recurring"][k] == v for k, v in known.items())]
    return page("/v1/prices", "price", params, rows)


@serves("GET /v1/prices/*")
def get_price(account: Account, _params: Params, name: str) -> Obj:
    """Answer one price."""
    return account.get("price", name)


@serves("POST /v1/prices/*", _OF_PRICE)
def update_price(account: Account, params: Params, name: str) -> Obj:
    """Change what may be changed of a price: never what it costs."""
    price = account.get("price", name)
    before = copied(price)
    if (active := params.flag("active")) is not None:
        price["active"] = active
    if "nickname" in params:
        price["nickname"] = params.text("nickname")
    if "lookup_key" in params:
        _take_lookup_key(account, price, params)
    price["tax_behavior"] = params.text("tax_behavior") or price["tax_behavior"]
    price["metadata"] = params.metadata(price["metadata"])
    changed(account, "price.updated", before, price)
    return price


def as_plan(price: Obj) -> Obj:
    """Write a price as the plan that it was called once: subscription items still carry one."""
    every = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": every["interval"],
        "interval_count": every["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": None,
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": every["trial_period_days"],
        "usage_type": every["usage_type"],
    }
