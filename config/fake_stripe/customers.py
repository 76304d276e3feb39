"""Customers, and the cards that they have."""

from config.fake_stripe.account import Account
from config.fake_stripe.cards import CARDS, card_of, declined, new_method
from config.fake_stripe.events import changed, emit
from config.fake_stripe.lists import INCLUDED, PAGE, in_time, page
from config.fake_stripe.routing import serves
from config.fake_stripe.wire import Obj, Params, Refusal, copied, listing

_TOLD = (
    "name email description phone metadata address shipping payment_method invoice_settings preferred_locales "
    "tax_exempt balance"
)


@serves("POST /v1/customers", f"test_clock {_TOLD}")
def create_customer(account: Account, params: Params) -> Obj:
    """Make a customer, with a card where one is given."""
    clock = params.text("test_clock")
    if clock is not None:
        account.named("test_helpers.test_clock", clock, "test_clock")
    made = new_customer(account, test_clock=clock)
    account.add(made)
    try:
        _take(account, made, params)
    except Refusal:
        account.drop(made)
        raise
    emit(account, "customer.created", made)
    return made


def new_customer(account: Account, *, test_clock: str | None = None) -> Obj:
    """Write a customer, who is not kept yet."""
    name = account.new_id("cus_")
    return {
        "id": name,
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": account.now({"test_clock": test_clock}),
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": name[-8:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": test_clock,
    }


def _take(account: Account, customer: Obj, params: Params) -> None:
    """Take what is told of a customer."""
    for member in ("name", "email", "description", "phone"):
        if member in params:
            customer[member] = params.text(member)
    for member in ("address", "shipping"):
        if member in params:
            inner = params.inner(member)
            customer[member] = None if inner is None else inner.values
    if "preferred_locales" in params:
        customer["preferred_locales"] = params.words("preferred_locales")
    if "tax_exempt" in params:
        customer["tax_exempt"] = params.choice("tax_exempt", "exempt", "none", "reverse") or "none"
    if (balance := params.whole("balance")) is not None:
        customer["balance"] = balance
    customer["metadata"] = params.metadata(customer["metadata"])
    if token := params.text("payment_method"):
        attach(account, token, customer)
    settings = params.inner("invoice_settings")
    if settings is not None and "default_payment_method" in settings.only("default_payment_method", "footer"):
        wanted = settings.text("default_payment_method")
        found = None if wanted is None else method_of(account, customer, wanted)["id"]
        customer["invoice_settings"]["default_payment_method"] = found


@serves("GET /v1/customers", f"email created test_clock {PAGE}")
def list_customers(account: Account, params: Params) -> Obj:
    """List customers; those of test clocks only where their clock is named."""
    clock = params.text("test_clock")
    rows = [row for row in in_time(params, account.all("customer")) if row["test_clock"] == clock]
    if email := params.text("email"):
        rows = [row for row in rows if row["email"] == email]
    return page("/v1/customers", "customer", params, rows)


@serves("GET /v1/customers/*")
def get_customer(account: Account, _params: Params, name: str) -> Obj:
    """Answer one customer; of one who was deleted, only that."""
    if name in account.secret("deleted"):
        return {"id": name, "object": "customer", "deleted": True}
    return account.get("customer", name)


@serves("POST /v1/customers/*", _TOLD)
def update_customer(account: Account, params: Params, name: str) -> Obj:
    """Change a customer."""
    customer = account.get("customer", name)
    before = copied(customer)
    _take(account, customer, params)
    changed(account, "customer.updated", before, customer)
    return customer


def method_of(account: Account, customer: Obj, name: str) -> Obj:
    """Find a customer's card.

    :raises Refusal: it is not theirs.
    """
    method = account.named("payment_method", name, "default_payment_method")
    if method["customer"] != customer["id"]:
        raise Refusal(
            f"The customer does not have a payment method with the ID {name}. "
            "The payment method must be attached to the customer.",
            code="resource_missing",
            param="default_payment_method",
        )
    return method


def attach(account: Account, token: str, customer: Obj) -> Obj:
    """Give a customer a card: a test card's name makes a new one.

    :raises Refusal: the card is declined, or another customer has it.
    """
    if token in CARDS:
        if not CARDS[token].kept:
            raise declined(CARDS[token])
        method = new_method(account, token)
    else:
        method = account.named("payment_method", token, "payment_method")
    if not card_of(account, method["id"]).kept:
        raise declined(card_of(account, method["id"]))
    if method["customer"] not in {None, customer["id"]}:
        raise Refusal("The payment method you provided has already been attached to a customer.")
    method["customer"] = customer["id"]
    account.add(method)
    emit(account, "payment_method.attached", method)
    return method


@serves("POST /v1/payment_methods", "type card metadata billing_details")
def create_method(account: Account, params: Params) -> Obj:
    """Make a card of a test token, such as ``card[token]=tok_visa``."""
    card = params.inner("card")
    token = card.only("token").needed("token") if card else "tok_visa"
    return new_method(account, token.replace("tok_", "pm_card_", 1))


@serves("GET /v1/payment_methods", f"customer type {PAGE}")
def list_methods(account: Account, params: Params) -> Obj:
    """List a customer's cards."""
    account.asked_for(params)
    return page("/v1/payment_methods", "payment_method", params, _methods(account, params.needed("customer")))


@serves("GET /v1/customers/*/payment_methods", f"type {PAGE}")
def list_customers_methods(account: Account, params: Params, customer: str) -> Obj:
    """List a customer's cards."""
    account.get("customer", customer)
    return page(f"/v1/customers/{customer}/payment_methods", "payment_method", params, _methods(account, customer))


def _methods(account: Account, customer: str) -> list[Obj]:
    return [method for method in account.of("payment_method", customer) if method["customer"] == customer]


@serves("GET /v1/payment_methods/*")
def get_method(account: Account, _params: Params, name: str) -> Obj:
    """Answer one card; a test card's name makes one."""
    return new_method(account, name) if name in CARDS else account.get("payment_method", name)


@serves("POST /v1/payment_methods/*/attach", "customer")
def attach_method(account: Account, params: Params, name: str) -> Obj:
    """Give a customer a card."""
    return attach(account, name, account.named("customer", params.needed("customer"), "customer"))


@serves("POST /v1/payment_methods/*/detach")
def detach_method(account: Account, _params: Params, name: str) -> Obj:
    """Take a card from its customer."""
    method = account.get("payment_method", name)
    if method["customer"] is None:
        raise Refusal("The payment method you provided is not attached to a customer so detachment is impossible.")
    before = copied(method)
    owner = account.get("customer", method["customer"])
    if owner["invoice_settings"]["default_payment_method"] == name:
        owner["invoice_settings"]["default_payment_method"] = None
    method["customer"] = None
    emit(account, "payment_method.detached", method, {"customer": before["customer"]})
    return method


def _subscriptions(account: Account, customer: Obj) -> Obj:
    rows = [row for row in account.of("subscription", customer["id"]) if row["status"] != "canceled"]
    return listing(f"/v1/customers/{customer['id']}/subscriptions", rows[::-1][:10], has_more=len(rows) > 10)  # noqa: PLR2004


INCLUDED["customer", "subscriptions"] = _subscriptions
