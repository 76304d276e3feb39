"""An invoice is to be paid: what its subscription becomes when it is, and when it is not."""

from config.fake_stripe.account import Account
from config.fake_stripe.events import emit
from config.fake_stripe.invoices import attempt, close, finalize, method_for, subscription_of
from config.fake_stripe.items import refuse_wrong_mix
from config.fake_stripe.states import ENDED, changing, end
from config.fake_stripe.wire import Obj

_OWING = {"incomplete", "past_due", "unpaid"}


def collect(account: Account, invoice: Obj, *, method: str | None = None) -> bool:
    """Finalise an invoice if need be, try to have it paid, and let its subscription follow; say whether it is paid.

    method: a card; None takes the subscription's, else the customer's.
    """
    if invoice["status"] == "draft":
        finalize(account, invoice)
    customer = account.get("customer", invoice["customer"])
    subscription = _subscription(account, invoice)
    if invoice["collection_method"] == "send_invoice" and method is None and invoice["amount_due"]:
        emit(account, "invoice.sent", invoice)
        return False
    paid = attempt(account, invoice, method or method_for(customer, subscription))
    if subscription is not None and subscription["status"] not in ENDED:
        (_follow_paid if paid else _follow_failed)(account, subscription, invoice)
    return paid


def _subscription(account: Account, invoice: Obj) -> Obj | None:
    name = subscription_of(invoice)
    return None if name is None else account.kinds.get("subscription", {}).get(name)


def _follow_paid(account: Account, subscription: Obj, invoice: Obj) -> None:
    with changing(account, subscription):
        pending = account.secret(subscription["id"]).get("pending")
        if pending and pending["invoice"] == invoice["id"]:
            apply_pending(account, subscription)
        if subscription["status"] in _OWING and subscription["latest_invoice"] == invoice["id"]:
            subscription["status"] = "active"


def _follow_failed(account: Account, subscription: Obj, invoice: Obj) -> None:
    pending = account.secret(subscription["id"]).get("pending")
    if pending and pending["invoice"] == invoice["id"]:
        return
    if invoice["billing_reason"] == "subscription_create" and subscription["status"] in {"incomplete", "trialing"}:
        return
    if invoice["next_payment_attempt"] is None and subscription["status"] == "past_due":
        _give_up(account, subscription, invoice)
        return
    if subscription["status"] in {"active", "trialing"}:
        with changing(account, subscription):
            subscription["status"] = "past_due"


def _give_up(account: Account, subscription: Obj, invoice: Obj) -> None:
    """Do what is set for a subscription whose payment was tried for the last time."""
    if account.after_retries == "cancel":
        end(account, subscription, account.now(subscription), why="payment_failed")
        close(account, invoice, "uncollectible")
    elif account.after_retries == "unpaid":
        with changing(account, subscription):
            subscription["status"] = "unpaid"


def apply_pending(account: Account, subscription: Obj) -> None:
    """Let a change that waited for its payment take effect."""
    pending = account.secret(subscription["id"]).pop("pending")
    refuse_wrong_mix(pending["items"])
    subscription["items"]["data"] = pending["items"]
    subscription["pending_update"] = None
    emit(account, "customer.subscription.pending_update_applied", subscription)


def drop_pending(account: Account, subscription: Obj) -> None:
    """Let a change that was not paid in time lapse."""
    pending = account.secret(subscription["id"]).pop("pending")
    invoice = account.get("invoice", pending["invoice"])
    if invoice["status"] == "open":
        close(account, invoice, "void")
    with changing(account, subscription):
        subscription["pending_update"] = None
    emit(account, "customer.subscription.pending_update_expired", subscription)
