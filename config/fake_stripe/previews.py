"""What would be charged, if: the same sums as when it is done, and nothing is done."""

from config.fake_stripe.account import Account
from config.fake_stripe.changes import worked_out
from config.fake_stripe.cycles import step
from config.fake_stripe.invoices import new_invoice
from config.fake_stripe.lines import Held, held, period_line, prorations
from config.fake_stripe.routing import serves
from config.fake_stripe.states import ENDED, period_of
from config.fake_stripe.subscriptions import first_invoice, written
from config.fake_stripe.wire import Obj, Params, Refusal

_DETAILS = [
    "items",
    "proration_behavior",
    "proration_date",
    "trial_end",
    "billing_cycle_anchor",
    "cancel_now",
    "cancel_at",
    "cancel_at_period_end",
    "metadata",
]


@serves("POST /v1/invoices/create_preview", "customer subscription subscription_details preview_mode currency")
def create_preview(account: Account, params: Params) -> Obj:
    """Write the invoice that a change, or a new subscription, would bring."""
    details = (params.inner("subscription_details") or Params({})).only(*_DETAILS)
    name = params.text("subscription")
    if name is None:
        customer = account.named("customer", params.needed("customer"), "customer")
        return _of_new(account, customer, details)
    subscription = account.named("subscription", name, "subscription")
    customer = account.get("customer", subscription["customer"])
    if subscription["status"] in ENDED:
        raise _none(customer)
    if details.flag("cancel_now"):
        return _of_end(account, customer, subscription)
    return _of_change(account, customer, subscription, details)


def _of_new(account: Account, customer: Obj, details: Params) -> Obj:
    subscription = written(account, customer, details)
    invoice = first_invoice(account, customer, subscription, details.rows("items"), details)[0]
    return _upcoming(account, invoice)


def _of_end(account: Account, customer: Obj, subscription: Obj) -> Obj:
    now = account.now(subscription)
    before = [held(item) for item in subscription["items"]["data"]]
    lines = prorations(account, subscription["id"], before, [], now)
    made = new_invoice(account, customer, subscription, lines, reason="upcoming", period=period_of(subscription))
    return _upcoming(account, made)


def _of_change(account: Account, customer: Obj, subscription: Obj, details: Params) -> Obj:
    change = worked_out(account, subscription, details)
    lines = [*account.secret(subscription["id"]).get("owed", []), *change.owed, *change.now]
    after = [held(item) for item in change.items]
    start, end = min((one.start, one.end) for one in after)
    ends = details.flag("cancel_at_period_end")
    goes_on = not (subscription["cancel_at_period_end"] if ends is None else ends)
    if not change.now and details.text("proration_behavior") != "always_invoice" and goes_on:
        lines += [
            period_line(account, {**subscription, "status": "active"}, _next(one)) for one in after if one.end == end
        ]
    if not lines and not goes_on:
        raise _none(customer)
    made = new_invoice(account, customer, subscription, lines, reason="upcoming", period=(start, end))
    made["parent"]["subscription_details"]["subscription_proration_date"] = change.at
    return _upcoming(account, made)


def _next(one: Held) -> Held:
    return Held(one.item, one.price, one.quantity, one.end, step(one.end, one.price["recurring"], 1))


def _upcoming(account: Account, invoice: Obj) -> Obj:
    invoice["id"] = account.new_id("upcoming_in_")
    invoice["billing_reason"] = "upcoming"
    invoice["auto_advance"] = False
    invoice["lines"]["url"] = f"/v1/invoices/{invoice['id']}/lines"
    return invoice


def _none(customer: Obj) -> Refusal:
    return Refusal(f"No upcoming invoices for customer: {customer['id']}", status=404, code="invoice_upcoming_none")
