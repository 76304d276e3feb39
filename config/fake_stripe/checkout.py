"""Checkout: a session, and what becomes of it when somebody pays."""

from urllib.parse import quote, urlsplit

from config.fake_stripe.account import Account
from config.fake_stripe.cards import CARDS, declined, new_method
from config.fake_stripe.customers import new_customer
from config.fake_stripe.events import emit
from config.fake_stripe.items import counted, priced
from config.fake_stripe.lines import product_name
from config.fake_stripe.lists import INCLUDED, PAGE, in_time, page
from config.fake_stripe.routing import serves
from config.fake_stripe.subscriptions import open_subscription
from config.fake_stripe.wire import Obj, Params, Refusal, copied, listing

_KIND = "checkout.session"
_DAY = 24 * 3600
_SOONEST = 1800
_OF_SUBSCRIPTION = (
    *("metadata", "description", "trial_period_days", "trial_end", "trial_settings"),
    *("billing_cycle_anchor", "proration_behavior", "billing_mode"),
)


@serves(
    "POST /v1/checkout/sessions",
    "mode line_items customer customer_email client_reference_id success_url cancel_url metadata subscription_data "
    "expires_at payment_method_types payment_method_collection billing_address_collection customer_update locale "
    "allow_promotion_codes ui_mode",
)
def create_session(account: Account, params: Params) -> Obj:
    """Make a session, whose page is on this machine."""
    if params.choice("mode", "subscription") is None:
        raise Refusal("Missing required param: mode.", code="parameter_missing", param="mode")
    customer = params.text("customer")
    owner = None if customer is None else account.named("customer", customer, "customer")
    details = params.inner("subscription_data")
    if details is not None:
        details.only(*_OF_SUBSCRIPTION)
    name = account.new_id("cs_test_")
    lines = [_line(account, row) for row in params.rows("line_items")]
    if not lines:
        raise Refusal("You must pass line_items.", code="parameter_missing", param="line_items")
    now = account.now()
    until = params.whole("expires_at")
    if until is not None and not now + _SOONEST <= until <= now + _DAY:
        raise Refusal("expires_at must be between 30 minutes and 24 hours from now.", param="expires_at")
    trial = details is not None and bool(details.text("trial_end") or details.whole("trial_period_days"))
    total = 0 if trial else sum(line["amount_total"] for line in lines)
    made: Obj = {
        "id": name,
        "object": _KIND,
        "after_expiration": None,
        "allow_promotion_codes": params.flag("allow_promotion_codes"),
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": params.text("billing_address_collection"),
        "cancel_url": web_address(params, "cancel_url") if "cancel_url" in params else None,
        "client_reference_id": params.text("client_reference_id"),
        "client_secret": None,
        "consent": None,
        "consent_collection": None,
        "created": now,
        "currency": lines[0]["currency"],
        "custom_fields": [],
        "custom_text": dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")),
        "customer": customer,
        "customer_creation": None if customer else "always",
        "customer_details": None,
        "customer_email": params.text("customer_email"),
        "discounts": [],
        "expires_at": until or now + _DAY,
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": params.text("locale"),
        "metadata": params.metadata(),
        "mode": "subscription",
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": params.text("payment_method_collection") or "always",
        "payment_method_options": {},
        "payment_method_types": params.words("payment_method_types") or ["card"],
        "payment_status": "unpaid",
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": None,
        "subscription": None,
        "success_url": web_address(params, "success_url"),
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": params.choice("ui_mode", "hosted_page") or "hosted_page",
        "url": f"{account.url}/c/pay/{name}",
    }
    if owner is not None and (email := owner["email"]):
        made["customer_details"] = _details(email, owner["name"])
    hidden = account.secret(name)
    hidden.update(lines=lines, rows=copied({"rows": params.listed("line_items")})["rows"])
    hidden["details"] = {} if details is None else copied(details.values)
    return account.add(made)


def web_address(params: Params, name: str) -> str:
    """Read an address that a browser is sent to.

    :raises Refusal: it is of another kind, such as a script.
    """
    url = params.needed(name)
    if urlsplit(url).scheme not in {"http", "https"}:
        raise Refusal("Not a valid URL", code="url_invalid", param=name)
    return url


def _line(account: Account, row: Params) -> Obj:
    row.only("price", "quantity", "adjustable_quantity")
    price = priced(account, row)
    quantity = counted(row)
    quantity = 1 if quantity is None else quantity
    total = (price["unit_amount"] or 0) * quantity
    return {
        "id": account.new_id("li_"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": price["currency"],
        "description": product_name(account, price),
        "price": price,
        "quantity": quantity,
    }


def _details(email: str | None, name: str | None) -> Obj:
    return {"address": None, "email": email, "name": name, "phone": None, "tax_exempt": "none", "tax_ids": []}


@serves("GET /v1/checkout/sessions", f"customer subscription status created {PAGE}")
def list_sessions(account: Account, params: Params) -> Obj:
    """List sessions."""
    expire_sessions(account)
    rows = in_time(params, account.all(_KIND))
    for member in ("customer", "subscription", "status"):
        if wanted := params.text(member):
            rows = [row for row in rows if row[member] == wanted]
    return page("/v1/checkout/sessions", _KIND, params, rows)


@serves("GET /v1/checkout/sessions/*")
def get_session(account: Account, _params: Params, name: str) -> Obj:
    """Answer one session."""
    expire_sessions(account)
    return account.get(_KIND, name)


@serves("GET /v1/checkout/sessions/*/line_items", PAGE)
def list_session_lines(account: Account, params: Params, name: str) -> Obj:
    """List what a session sells."""
    account.get(_KIND, name)
    return page(f"/v1/checkout/sessions/{name}/line_items", "item", params, account.secret(name)["lines"][::-1])


@serves("POST /v1/checkout/sessions/*/expire")
def expire_session(account: Account, _params: Params, name: str) -> Obj:
    """Close a session that nobody has paid."""
    session = account.get(_KIND, name)
    if session["status"] != "open":
        raise Refusal(
            f'Only Checkout Sessions with a status in ["open"] can be expired; this one is {session["status"]}.'
        )
    _expire(account, session)
    return session


def expire_sessions(account: Account) -> None:
    """Close the sessions whose time is over."""
    now = account.now()
    for session in account.all(_KIND):
        if session["status"] == "open" and session["expires_at"] <= now:
            _expire(account, session)


def _expire(account: Account, session: Obj) -> None:
    session["status"] = "expired"
    session["url"] = None
    emit(account, "checkout.session.expired", session)


def complete(account: Account, name: str, token: str, *, email: str | None = None) -> str:
    """Pay for a session with a test card, as a person on its page does; answers where they are sent.

    token: such as ``pm_card_visa``. email: who they are, where the session does not say.

    :raises Refusal: the card is declined, or the session is not open; then nothing has changed.
    """
    session = get_session(account, Params({}), name)
    if session["status"] != "open":
        raise Refusal(f"This session is {session['status']}.", code="checkout_session_not_open")
    card = CARDS.get(token)
    if card is None:
        raise Refusal("There is no such card.", param="card")
    if card.declines and (session["amount_total"] or not card.kept):
        raise declined(card)
    customer = _customer(account, session, email)
    method = new_method(account, token)
    method["customer"] = customer["id"]
    account.add(method)
    emit(account, "payment_method.attached", method)
    hidden = account.secret(name)
    params = Params({**hidden["details"], "default_payment_method": method["id"]})
    rows = [
        Params({member: value for member, value in row.items() if member in {"price", "quantity"}})
        for row in hidden["rows"]
    ]
    subscription = open_subscription(account, customer, rows, params, announced=True)
    session.update(
        status="complete",
        payment_status="paid" if session["amount_total"] else "no_payment_required",
        customer=customer["id"],
        customer_details=_details(customer["email"], customer["name"]),
        invoice=subscription["latest_invoice"],
        subscription=subscription["id"],
        url=None,
    )
    emit(account, "checkout.session.completed", session)
    return success_url(session)


def _customer(account: Account, session: Obj, email: str | None) -> Obj:
    if session["customer"] is not None:
        return account.get("customer", session["customer"])
    made = new_customer(account)
    made["email"] = session["customer_email"] or email
    account.add(made)
    emit(account, "customer.created", made)
    return made


def success_url(session: Obj) -> str:
    """Say where who has paid is sent."""
    url: str = session["success_url"]
    return url.replace("{CHECKOUT_SESSION_ID}", quote(session["id"]))


def _lines(account: Account, session: Obj) -> Obj:
    return listing(f"/v1/checkout/sessions/{session['id']}/line_items", account.secret(session["id"])["lines"])


INCLUDED[_KIND, "line_items"] = _lines
