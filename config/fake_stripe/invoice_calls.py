"""What the API does with invoices."""

from config.fake_stripe.account import Account
from config.fake_stripe.cards import card_of, declined
from config.fake_stripe.collecting import collect
from config.fake_stripe.customers import attach
from config.fake_stripe.invoices import close, finalize, lines_of, method_for, payments_of, subscription_of
from config.fake_stripe.lists import PAGE, in_time, page
from config.fake_stripe.routing import serves
from config.fake_stripe.wire import Obj, Params, Refusal


@serves("GET /v1/invoices", f"customer subscription status collection_method created {PAGE}")
def list_invoices(account: Account, params: Params) -> Obj:
    """List invoices."""
    customer = account.asked_for(params)
    rows = in_time(params, account.all("invoice") if customer is None else account.of("invoice", customer))
    if name := params.text("subscription"):
        rows = [row for row in rows if subscription_of(row) == name]
    for member in ("status", "collection_method"):
        if wanted := params.text(member):
            rows = [row for row in rows if row[member] == wanted]
    return page("/v1/invoices", "invoice", params, rows)


@serves("GET /v1/invoices/*")
def get_invoice(account: Account, _params: Params, name: str) -> Obj:
    """Answer one invoice."""
    return account.get("invoice", name)


@serves("GET /v1/invoices/*/lines", PAGE)
def list_lines(account: Account, params: Params, name: str) -> Obj:
    """List an invoice's lines, of which it shows the first ten itself."""
    rows = lines_of(account, account.get("invoice", name))
    return page(f"/v1/invoices/{name}/lines", "line_item", params, rows[::-1])


@serves("GET /v1/invoice_payments", f"invoice status {PAGE}")
def list_payments(account: Account, params: Params) -> Obj:
    """List what was paid on an invoice."""
    invoice = account.named("invoice", params.needed("invoice"), "invoice")
    return payments_of(account, invoice)


@serves("GET /v1/payment_intents/*")
def get_intent(account: Account, _params: Params, name: str) -> Obj:
    """Answer what an attempt to be paid came to."""
    return account.get("payment_intent", name)


@serves("POST /v1/invoices/*/finalize", "auto_advance")
def finalize_invoice(account: Account, _params: Params, name: str) -> Obj:
    """Fix a draft."""
    invoice = account.get("invoice", name)
    _refuse_unless(invoice, "draft", verb="finalize")
    finalize(account, invoice)
    return invoice


@serves("POST /v1/invoices/*/pay", "payment_method off_session")
def pay_invoice(account: Account, params: Params, name: str) -> Obj:
    """Pay an invoice now.

    :raises Refusal: 402 where the card is declined; the attempt counts.
    """
    invoice = account.get("invoice", name)
    if invoice["status"] == "paid":
        raise Refusal("Invoice is already paid", code="invoice_already_paid")
    _refuse_unless(invoice, "draft", "open", "uncollectible", verb="pay")
    customer = account.get("customer", invoice["customer"])
    token = params.text("payment_method")
    if token is None:
        subscription = account.kinds.get("subscription", {}).get(subscription_of(invoice) or "")
        method = method_for(customer, subscription)
    else:
        method = attach(account, token, customer)["id"]
    if method is None:
        raise Refusal("There is no `default_payment_method` set on this Customer or Invoice.", code="missing")
    if invoice["status"] == "uncollectible":
        invoice["status"] = "open"
    if not collect(account, invoice, method=method):
        raise declined(card_of(account, method))
    return invoice


@serves("POST /v1/invoices/*/void")
def void_invoice(account: Account, _params: Params, name: str) -> Obj:
    """Give an invoice up, as if it had never been."""
    invoice = account.get("invoice", name)
    _refuse_unless(invoice, "open", "uncollectible", verb="void")
    close(account, invoice, "void")
    return invoice


@serves("POST /v1/invoices/*/mark_uncollectible")
def mark_uncollectible(account: Account, _params: Params, name: str) -> Obj:
    """Give up hope for an invoice."""
    invoice = account.get("invoice", name)
    _refuse_unless(invoice, "open", verb="mark uncollectible")
    close(account, invoice, "uncollectible")
    return invoice


def _refuse_unless(invoice: Obj, *states: str, verb: str) -> None:
    if invoice["status"] not in states:
        raise Refusal(f"You can't {verb} an invoice whose status is {invoice['status']}.", code="invoice_not_editable")
