"""Subscriptions: made, listed, ended, resumed. What changes in one that lives is in ``changes``."""

from collections.abc import Iterable

from config.fake_stripe.account import Account
from config.fake_stripe.cards import card_of, declined
from config.fake_stripe.collecting import collect
from config.fake_stripe.customers import method_of
from config.fake_stripe.cycles import step
from config.fake_stripe.events import emit
from config.fake_stripe.invoices import attempt, close, finalize, keep_invoice, method_for, new_invoice, would_pay
from config.fake_stripe.items import first_items
from config.fake_stripe.lines import Held, held, line, period_line, product_name, prorations
from config.fake_stripe.lists import PAGE, in_time, page
from config.fake_stripe.routing import serves
from config.fake_stripe.states import ENDED, changing, end, period_of
from config.fake_stripe.wire import Missing, Obj, Params, Refusal, listing

BEHAVIOURS = ("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete")
_DAY = 24 * 3600
_OPTIONS = (
    "default_payment_method metadata description trial_end trial_period_days trial_settings "
    "collection_method days_until_due payment_behavior payment_settings proration_behavior billing_cycle_anchor "
    "billing_mode cancel_at cancel_at_period_end off_session"
)


@serves("POST /v1/subscriptions", f"customer items currency {_OPTIONS}")
def create_subscription(account: Account, params: Params) -> Obj:
    """Make a subscription and its first invoice."""
    customer = account.named("customer", params.needed("customer"), "customer")
    return open_subscription(account, customer, params.rows("items"), params)


def open_subscription(
    account: Account, customer: Obj, rows: Iterable[Params], params: Params, *, announced: bool = False
) -> Obj:
    """Make a subscription: with its invoice paid, or incomplete where that is allowed and the card was declined.

    announced: tell of it before its payment, as a checkout does.

    :raises Refusal: no card is there, or it is declined and that was not allowed; then nothing is made.
    """
    made = written(account, customer, params)
    first, lines = first_invoice(account, customer, made, rows, params)
    behaviour = params.choice("payment_behavior", *BEHAVIOURS) or "allow_incomplete"
    _refuse_unpayable(account, customer, made, first, behaviour)
    account.add(made)
    made["latest_invoice"] = first["id"]
    if announced:
        emit(account, "customer.subscription.created", made)
    keep_invoice(account, first, lines)
    _settle_first(account, made, first, behaviour, announced=announced)
    if not announced:
        emit(account, "customer.subscription.created", made)
        with changing(account, made):
            pass
    return made


def first_invoice(
    account: Account, customer: Obj, made: Obj, rows: Iterable[Params], params: Params
) -> tuple[Obj, list[Obj]]:
    """Give a subscription that is being made its items, and write its first invoice and that one's lines."""
    start = made["start_date"]
    items = first_items(account, made["id"], rows, start, made["billing_cycle_anchor"], made["trial_end"])
    made["items"]["data"] = items
    made["currency"] = items[0]["price"]["currency"]
    take_cancellation(made, params, start)
    full = params.text("proration_behavior") != "none"
    lines = [_first_line(account, made, held(item), full=full) for item in items]
    return new_invoice(account, customer, made, lines, reason="subscription_create", period=(start, start)), lines


def written(account: Account, customer: Obj, params: Params) -> Obj:
    """Write a subscription that has no items yet."""
    now = account.now(customer)
    trial = _trial_end(params, now)
    if (mode := params.inner("billing_mode")) is not None:
        mode.only("type").choice("type", "flexible")
    how = params.choice("collection_method", "charge_automatically", "send_invoice") or "charge_automatically"
    if how == "send_invoice" and params.whole("days_until_due") is None:
        raise Refusal("days_until_due must be set when collection_method is send_invoice.", param="days_until_due")
    method = params.text("default_payment_method")
    name = account.new_id("sub_")
    return {
        "id": name,
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": trial or params.whole("billing_cycle_anchor") or now,
        "billing_cycle_anchor_config": None,
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible", "updated_at": None},
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": how,
        "created": now,
        "currency": "usd",
        "customer": customer["id"],
        "days_until_due": params.whole("days_until_due"),
        "default_payment_method": None if method is None else method_of(account, customer, method)["id"],
        "default_source": None,
        "default_tax_rates": [],
        "description": params.text("description"),
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
        "items": listing(f"/v1/subscription_items?subscription={name}", []),
        "latest_invoice": None,
        "livemode": False,
        "metadata": params.metadata(),
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": _payment_settings(params),
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "start_date": now,
        "status": "trialing" if trial else "incomplete",
        "test_clock": customer["test_clock"],
        "transfer_data": None,
        "trial_end": trial,
        "trial_settings": {"end_behavior": {"missing_payment_method": missing_method(params)}},
        "trial_start": now if trial else None,
    }


def _payment_settings(params: Params) -> Obj:
    told = params.inner("payment_settings")
    known: Obj = {} if told is None else told.only("save_default_payment_method", "payment_method_types").values
    return {
        "payment_method_options": None,
        "payment_method_types": known.get("payment_method_types"),
        "save_default_payment_method": known.get("save_default_payment_method", "off"),
    }


def missing_method(params: Params) -> str:
    """Read what shall be done when a trial ends and there is no card."""
    settings = params.inner("trial_settings")
    behaviour = settings.only("end_behavior").inner("end_behavior") if settings else None
    if behaviour is None:
        return "create_invoice"
    wanted = behaviour.only("missing_payment_method", "billing_cycle_anchor")
    return wanted.choice("missing_payment_method", "cancel", "create_invoice", "pause") or "create_invoice"


def _trial_end(params: Params, now: int) -> int | None:
    days = params.whole("trial_period_days")
    if params.text("trial_end") == "now":
        return None
    until = params.whole("trial_end")
    if until is not None and days is not None:
        raise Refusal("You cannot set both trial_end and trial_period_days.", param="trial_end")
    if days:
        return now + days * _DAY
    if until is not None and until <= now:
        raise Refusal("Invalid timestamp: must be an integer Unix timestamp in the future.", param="trial_end")
    return until


def _first_line(account: Account, subscription: Obj, of: Held, *, full: bool) -> Obj:
    """Write a first period's line: a period cut short by the anchor costs its share, or nothing."""
    began = step(of.end, of.price["recurring"], -1)
    if subscription["status"] == "trialing" or of.start <= began:
        return period_line(account, subscription, of)
    share = Held(of.item, of.price, of.quantity, began, of.end)
    part = prorations(account, subscription["id"], [], [share], of.start)[0]["amount"] if full else 0
    says = f"Time on {product_name(account, of.price)}"
    return line(
        account,
        of,
        subscription=subscription["id"],
        amount=part,
        says=says,
        period=(of.start, of.end),
    )


def _refuse_unpayable(account: Account, customer: Obj, subscription: Obj, invoice: Obj, behaviour: str) -> None:
    """Make nothing where the first invoice cannot be paid and that is not allowed.

    :raises Refusal: it cannot.
    """
    if invoice["amount_due"] == 0 or subscription["collection_method"] == "send_invoice":
        return
    method = method_for(customer, subscription)
    if behaviour == "default_incomplete":
        return
    if method is None:
        raise Refusal(
            "This customer has no attached payment source or default payment method. Please consider adding a default "
            "payment method.",
            code="resource_missing",
        )
    if behaviour == "error_if_incomplete" and not would_pay(account, method):
        raise declined(card_of(account, method))


def _settle_first(account: Account, subscription: Obj, invoice: Obj, behaviour: str, *, announced: bool) -> None:
    if announced:
        collect(account, invoice)
        return
    finalize(account, invoice)
    waits = behaviour == "default_incomplete" and invoice["amount_due"] > 0
    if subscription["collection_method"] == "send_invoice" and invoice["amount_due"] > 0:
        # Whoever is sent an invoice may use what it is for meanwhile.
        paid = subscription["status"] == "incomplete"
        emit(account, "invoice.sent", invoice)
    else:
        customer = account.get("customer", invoice["customer"])
        paid = not waits and attempt(account, invoice, method_for(customer, subscription))
    if paid and subscription["status"] == "incomplete":
        subscription["status"] = "active"


def take_cancellation(subscription: Obj, params: Params, now: int) -> None:
    """Take when a subscription shall end: at its period's end, at an instant, or not.

    :raises Refusal: both are asked for, or the instant has passed.
    """
    flag = params.flag("cancel_at_period_end")
    if flag is not None and params.text("cancel_at") is not None:
        raise Refusal("You may only pass one of cancel_at and cancel_at_period_end.", param="cancel_at")
    ends = [item["current_period_end"] for item in subscription["items"]["data"]]
    at: int | None = None
    if flag:
        at = min(ends)
    elif (word := params.choice_or_whole("cancel_at", "min_period_end", "max_period_end")) is not None:
        at = {"min_period_end": min(ends), "max_period_end": max(ends)}[word] if isinstance(word, str) else word
    elif "cancel_at" not in params and not (flag is False and subscription["cancel_at_period_end"]):
        # A day that was set is taken back by that day's own name.
        return
    if at is not None and at <= now:
        raise Refusal("cancel_at must be in the future.", param="cancel_at")
    subscription["cancel_at"] = at
    subscription["cancel_at_period_end"] = bool(flag)
    subscription["canceled_at"] = None if at is None else now
    subscription["cancellation_details"]["reason"] = None if at is None else "cancellation_requested"


@serves("GET /v1/subscriptions", f"customer status price created collection_method test_clock {PAGE}")
def list_subscriptions(account: Account, params: Params) -> Obj:
    """List subscriptions; those that are over only where ``status`` asks for them."""
    customer = account.asked_for(params)
    rows = in_time(params, account.all("subscription") if customer is None else account.of("subscription", customer))
    status = params.text("status")
    if status is None:
        rows = [row for row in rows if row["status"] not in ENDED]
    elif status == "ended":
        rows = [row for row in rows if row["status"] in ENDED]
    elif status != "all":
        rows = [row for row in rows if row["status"] == status]
    if price := params.text("price"):
        rows = [row for row in rows if any(item["price"]["id"] == price for item in row["items"]["data"])]
    for member in ("collection_method", "test_clock"):
        if wanted := params.text(member):
            rows = [row for row in rows if row[member] == wanted]
    return page("/v1/subscriptions", "subscription", params, rows)


@serves("GET /v1/subscriptions/*")
def get_subscription(account: Account, _params: Params, name: str) -> Obj:
    """Answer one subscription."""
    return account.get("subscription", name)


@serves("DELETE /v1/subscriptions/*", "invoice_now prorate cancellation_details")
def cancel_subscription(account: Account, params: Params, name: str) -> Obj:
    """End a subscription now; what was paid for the rest is given back only where ``prorate`` says so."""
    subscription = account.get("subscription", name)
    if subscription["status"] in ENDED:
        raise Missing("subscription", name)
    take_details(subscription, params)
    customer = account.get("customer", subscription["customer"])
    now = account.now(subscription)
    lines: list[Obj] = account.secret(name).pop("owed", [])
    if params.flag("prorate") and subscription["status"] != "trialing":
        lines += prorations(account, name, [held(item) for item in subscription["items"]["data"]], [], now)
    if params.flag("invoice_now") and lines:
        made = new_invoice(
            account, customer, subscription, lines, reason="subscription_update", period=period_of(subscription)
        )
        keep_invoice(account, made, lines)
        finalize(account, made)
        attempt(account, made, method_for(customer, subscription))
    elif lines:
        account.secret(customer["id"]).setdefault("owed", []).extend(lines)
    latest = account.kinds.get("invoice", {}).get(subscription["latest_invoice"])
    if latest is not None and latest["status"] in {"draft", "open"}:
        close(account, latest, "void")
    end(account, subscription, now, why="cancellation_requested")
    return subscription


def take_details(subscription: Obj, params: Params) -> None:
    """Take why somebody leaves."""
    details = params.inner("cancellation_details")
    if details is not None:
        details.only("comment", "feedback")
        subscription["cancellation_details"] |= {name: details.text(name) for name in details}


@serves("POST /v1/subscriptions/*/resume", "billing_cycle_anchor proration_behavior proration_date payment_behavior")
def resume_subscription(account: Account, params: Params, name: str) -> Obj:
    """Let a paused subscription go on, with a period that begins now."""
    subscription = account.get("subscription", name)
    if subscription["status"] != "paused":
        raise Refusal("You can only resume subscriptions with a status of `paused`.", code="resource_invalid_state")
    anchor = params.inner("billing_cycle_anchor")
    if anchor is not None and anchor.only("type").choice("type", "now") is None:
        raise Refusal("The fake resumes from now.", param="billing_cycle_anchor[type]")
    customer = account.get("customer", subscription["customer"])
    if not would_pay(account, method := method_for(customer, subscription)):
        raise (
            Refusal("There is no card to charge.", code="resource_missing")
            if method is None
            else declined(card_of(account, method))
        )
    with changing(account, subscription):
        restart(subscription, account.now(subscription))
        subscription["status"] = "active"
        lines = [period_line(account, subscription, held(item)) for item in subscription["items"]["data"]]
        made = new_invoice(
            account, customer, subscription, lines, reason="subscription_cycle", period=period_of(subscription)
        )
        keep_invoice(account, made, lines)
        subscription["latest_invoice"] = made["id"]
        finalize(account, made)
        attempt(account, made, method)
    emit(account, "customer.subscription.resumed", subscription)
    return subscription


def restart(subscription: Obj, at: int) -> None:
    """Let every item's period begin at an instant."""
    subscription["billing_cycle_anchor"] = at
    for item in subscription["items"]["data"]:
        item["current_period_start"] = at
        item["current_period_end"] = item["billed_until"] = step(at, item["price"]["recurring"], 1)


@serves("DELETE /v1/customers/*")
def delete_customer(account: Account, _params: Params, name: str) -> Obj:
    """Remove a customer; their subscriptions end."""
    customer = account.get("customer", name)
    for subscription in account.of("subscription", name):
        if subscription["status"] not in ENDED:
            end(account, subscription, account.now(customer), why="cancellation_requested")
    account.drop(customer)
    account.secret("deleted")[name] = True
    emit(account, "customer.deleted", customer)
    return {"id": name, "object": "customer", "deleted": True}
