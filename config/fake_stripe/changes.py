"""A living subscription changes: other items, another card, an end, a pause."""

from dataclasses import dataclass

from config.fake_stripe.account import Account
from config.fake_stripe.cards import card_of, declined
from config.fake_stripe.collecting import collect
from config.fake_stripe.customers import method_of
from config.fake_stripe.invoices import finalize, keep_invoice, method_for, new_invoice, would_pay
from config.fake_stripe.items import frozen, items_after, refuse_wrong_mix
from config.fake_stripe.lines import Held, held, period_line, prorations
from config.fake_stripe.lists import PAGE, page
from config.fake_stripe.routing import serves
from config.fake_stripe.states import ENDED, changing, period_of
from config.fake_stripe.subscriptions import BEHAVIOURS, missing_method, restart, take_cancellation, take_details
from config.fake_stripe.wire import Obj, Params, Refusal

PRORATIONS = ("always_invoice", "create_prorations", "none")
_MONEY = "proration_behavior proration_date payment_behavior off_session"
_PENDING_SECONDS = 23 * 3600


@dataclass(frozen=True, slots=True)
class Change:
    """What items become, what that costs at once, and what later.

    owed: lines that the next invoice takes up. now: lines that are invoiced at once.
    """

    items: list[Obj]
    at: int
    owed: list[Obj]
    now: list[Obj]


@serves(
    "POST /v1/subscriptions/*",
    f"items metadata description default_payment_method cancel_at cancel_at_period_end cancellation_details trial_end "
    f"trial_settings billing_cycle_anchor pause_collection {_MONEY}",
)
def update_subscription(account: Account, params: Params, name: str) -> Obj:
    """Change a subscription."""
    subscription = account.get("subscription", name)
    if subscription["status"] in ENDED:
        if set(params) - {"metadata", "cancellation_details", "expand"}:
            raise Refusal("A canceled subscription can only update its cancellation_details and metadata.")
    elif subscription["schedule"] and {"cancel_at", "cancel_at_period_end"} & set(params):
        raise Refusal(
            f"The subscription is managed by the subscription schedule `{subscription['schedule']}`, and updating any "
            "cancelation behavior directly is not allowed. Please update the schedule instead."
        )
    _refuse_other_card(account, subscription, params)
    if any(name in params for name in ("items", "billing_cycle_anchor", "trial_end")):
        change = worked_out(account, subscription, params)
        _refuse_unpaid(account, subscription, change, params)
        with changing(account, subscription):
            _take(account, subscription, params)
        apply(account, subscription, change, params)
    else:
        with changing(account, subscription):
            _take(account, subscription, params)
    return subscription


def _refuse_other_card(account: Account, subscription: Obj, params: Params) -> None:
    if method := params.text("default_payment_method"):
        method_of(account, account.get("customer", subscription["customer"]), method)


def _take(account: Account, subscription: Obj, params: Params) -> None:
    """Take all but items and periods."""
    now = account.now(subscription)
    subscription["metadata"] = params.metadata(subscription["metadata"])
    for member in ("description", "default_payment_method"):
        if member in params:
            subscription[member] = params.text(member)
    if "pause_collection" in params:
        pause = params.inner("pause_collection")
        subscription["pause_collection"] = None if pause is None else _pause(pause)
    if "trial_settings" in params:
        subscription["trial_settings"]["end_behavior"]["missing_payment_method"] = missing_method(params)
    take_details(subscription, params)
    if subscription["status"] not in ENDED:
        take_cancellation(subscription, params, now)


def _pause(pause: Params) -> Obj:
    pause.only("behavior", "resumes_at").needed("behavior")
    return {
        "behavior": pause.choice("behavior", "keep_as_draft", "mark_uncollectible", "void"),
        "resumes_at": pause.whole("resumes_at"),
    }


def worked_out(account: Account, subscription: Obj, params: Params) -> Change:
    """Work out what a change does, without doing it; a preview asks the same.

    :raises Refusal: it may not be made.
    """
    now = account.now(subscription)
    behaviour = params.choice("proration_behavior", *PRORATIONS) or "create_prorations"
    at = _proration_date(subscription, params, now)
    before = [held(item) for item in subscription["items"]["data"]]
    changed = {**subscription, "items": {"data": items_after(account, subscription, params.rows("items"), at)}}
    _take_periods(changed, params, now)
    items: list[Obj] = changed["items"]["data"]
    after = [held(item) for item in items]
    if changed["status"] == "trialing":
        return Change(items, at, [], [])
    was = [] if subscription["status"] == "trialing" else before
    old = {one.item: one for one in was}
    spans = {(one.start, one.end) for one in was}
    anew = [one for one in after if one.start >= at and _span(old.get(one.item)) != (one.start, one.end)]
    # A new item that joins its fellows' period begins none of its own.
    anew = [one for one in anew if one.item in old or (one.start, one.end) not in spans]
    parts = [] if behaviour == "none" else prorations(account, subscription["id"], was, after, at)
    # An item whose period begins anew is paid for whole, so its "remaining time" gives way to a line of its own.
    restarted = {one.item for one in anew}
    parts = [
        one
        for one in parts
        if one["amount"] < 0 or one["parent"]["subscription_item_details"]["subscription_item"] not in restarted
    ]
    whole = [period_line(account, {**changed, "status": "active"}, one) for one in anew]
    if whole or behaviour == "always_invoice":
        return Change(items, at, [], [*parts, *whole])
    return Change(items, at, parts, [])


def _span(of: Held | None) -> tuple[int, int] | None:
    return None if of is None else (of.start, of.end)


def _proration_date(subscription: Obj, params: Params, now: int) -> int:
    at = params.whole("proration_date")
    if at is None:
        return now
    start, end = period_of(subscription)
    if not start <= at <= end:
        raise Refusal("proration_date must be within the current period.", param="proration_date")
    return at


def _take_periods(subscription: Obj, params: Params, now: int) -> None:
    """Take where periods begin: now, or at a trial's end."""
    anchor = params.inner("billing_cycle_anchor")
    if anchor is None and "billing_cycle_anchor" in params:
        raise params.invalid("billing_cycle_anchor", "object")
    if anchor is not None and anchor.only("type").choice("type", "now", "unchanged") == "now":
        restart(subscription, now)
    until = params.choice_or_whole("trial_end", "now")
    if until == "now":
        if subscription["status"] == "trialing":
            subscription.update(status="active", trial_end=now)
            restart(subscription, now)
    elif isinstance(until, int):
        if until <= now:
            raise Refusal("Invalid timestamp: must be an integer Unix timestamp in the future.", param="trial_end")
        subscription.update(status="trialing", trial_end=until, billing_cycle_anchor=until)
        subscription["trial_start"] = subscription["trial_start"] or now
        for item in subscription["items"]["data"]:
            item["current_period_end"] = item["billed_until"] = until


def _refuse_unpaid(account: Account, subscription: Obj, change: Change, params: Params) -> None:
    """Refuse a change that costs at once what the card does not pay, where that was asked for.

    :raises Refusal: 402, and nothing has changed.
    """
    behaviour = params.choice("payment_behavior", *BEHAVIOURS)
    if behaviour != "error_if_incomplete" or not _due(account, subscription, change):
        return
    customer = account.get("customer", subscription["customer"])
    method = method_for(customer, subscription)
    if method is None:
        raise Refusal("This customer has no attached payment source or default payment method.", status=402, kind="card_error", code="missing")  # fmt: skip
    if not would_pay(account, method):
        raise declined(card_of(account, method))


def _due(account: Account, subscription: Obj, change: Change) -> int:
    customer = account.get("customer", subscription["customer"])
    return max(0, sum(int(one["amount"]) for one in change.now) + int(customer["balance"])) if change.now else 0


def apply(account: Account, subscription: Obj, change: Change, params: Params) -> None:
    """Make a change that was worked out, and have paid what it costs at once."""
    customer = account.get("customer", subscription["customer"])
    behaviour = params.choice("payment_behavior", *BEHAVIOURS)
    method = params.text("default_payment_method") or method_for(customer, subscription)
    waits = (
        behaviour == "pending_if_incomplete"
        and _due(account, subscription, change) > 0
        and not would_pay(account, method)
    )
    invoice = _invoice(account, customer, subscription, change) if change.now else None
    if waits and invoice is not None:
        account.secret(subscription["id"])["pending"] = {"items": change.items, "invoice": invoice["id"]}
        with changing(account, subscription):
            subscription["latest_invoice"] = invoice["id"]
            subscription["pending_update"] = _pending(account, subscription, change)
        collect(account, invoice, method=method)
        return
    with changing(account, subscription):
        _put(subscription, change, params, account.now(subscription))
        if invoice is not None:
            subscription["latest_invoice"] = invoice["id"]
    account.secret(subscription["id"]).setdefault("owed", []).extend(change.owed)
    if invoice is None:
        return
    if behaviour == "default_incomplete" and _due(account, subscription, change):
        finalize(account, invoice)
        with changing(account, subscription):
            subscription["status"] = "past_due"
        return
    collect(account, invoice, method=method)


def _put(subscription: Obj, change: Change, params: Params, now: int) -> None:
    refuse_wrong_mix(change.items)
    subscription["items"]["data"] = change.items
    anchors = {item["current_period_start"] for item in change.items}
    if anchors == {now}:
        subscription["billing_cycle_anchor"] = now
    until = params.choice_or_whole("trial_end", "now")
    if until == "now" and subscription["status"] == "trialing":
        subscription.update(status="active", trial_end=now)
    elif isinstance(until, int):
        subscription.update(status="trialing", trial_end=until, billing_cycle_anchor=until)
        subscription["trial_start"] = subscription["trial_start"] or now
    if subscription["cancel_at_period_end"]:
        subscription["cancel_at"] = period_of(subscription)[1]


def _invoice(account: Account, customer: Obj, subscription: Obj, change: Change) -> Obj:
    # What an earlier change left owing is taken up by the first invoice that comes.
    lines = [*account.secret(subscription["id"]).pop("owed", []), *change.now]
    made = new_invoice(
        account, customer, subscription, lines, reason="subscription_update", period=period_of(subscription)
    )
    made["parent"]["subscription_details"]["subscription_proration_date"] = change.at
    return keep_invoice(account, made, lines)


def _pending(account: Account, subscription: Obj, change: Change) -> Obj:
    return {
        "billing_cycle_anchor": None,
        "cancel_at_period_end": None,
        "discounts": None,
        "expires_at": account.now(subscription) + _PENDING_SECONDS,
        "metadata": None,
        "subscription_items": frozen(change.items),
        "trial_end": None,
        "trial_from_plan": None,
    }


@serves("GET /v1/subscription_items", f"subscription {PAGE}")
def list_items(account: Account, params: Params) -> Obj:
    """List the items of a subscription."""
    subscription = account.named("subscription", params.needed("subscription"), "subscription")
    rows = subscription["items"]["data"]
    return page("/v1/subscription_items", "subscription_item", params, rows[::-1])


@serves("POST /v1/subscription_items", f"subscription price quantity metadata {_MONEY}")
def create_item(account: Account, params: Params) -> Obj:
    """Add an item to a subscription."""
    name = account.named("subscription", params.needed("subscription"), "subscription")["id"]
    return _by_row(account, params, name, {})


@serves("GET /v1/subscription_items/*")
def get_item(account: Account, _params: Params, name: str) -> Obj:
    """Answer one item."""
    return _found(account, name)[1]


@serves("POST /v1/subscription_items/*", f"price quantity metadata {_MONEY}")
def update_item(account: Account, params: Params, name: str) -> Obj:
    """Change an item."""
    return _by_row(account, params, _found(account, name)[0]["id"], {"id": name})


@serves("DELETE /v1/subscription_items/*", f"clear_usage {_MONEY}")
def delete_item(account: Account, params: Params, name: str) -> Obj:
    """Take an item from its subscription."""
    _by_row(account, params, _found(account, name)[0]["id"], {"id": name, "deleted": "true"})
    return {"id": name, "object": "subscription_item", "deleted": True}


def _by_row(account: Account, params: Params, subscription: str, row: Obj) -> Obj:
    """Do to one item what a change of its subscription would do."""
    money = {name: value for name, value in params.values.items() if name in _MONEY.split()}
    row |= {name: value for name, value in params.values.items() if name in {"price", "quantity", "metadata"}}
    changed = update_subscription(account, Params({**money, "items": [row]}), subscription)
    items: list[Obj] = changed["items"]["data"]
    return next((item for item in items if item["id"] == row.get("id")), items[-1])


def _found(account: Account, name: str) -> tuple[Obj, Obj]:
    for subscription in account.all("subscription"):
        for item in subscription["items"]["data"]:
            if item["id"] == name:
                return subscription, item
    raise Refusal(f"No such subscription_item: '{name}'", status=404, code="resource_missing", param="item")
