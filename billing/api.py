"""The door: whose account at Stripe is whose, that it is read now, what was read of it, and what a person must look at."""

from billing.buying import OpenCheckout, begin_checkout, open_portal
from billing.calls import Operation, call_later, replay_call, want_customer
from billing.changing import Changed, apply_quote, cancel, resume
from billing.customers import BillingCustomer, find_customer, get_customer, link_customer
from billing.errors import (
    AlreadySubscribed,
    BillingKeyReused,
    BillingOff,
    CannotChange,
    CheckoutBusy,
    CheckoutClosed,
    CustomerNotFound,
    CustomerTaken,
    InvalidEvent,
    NotForSale,
    NothingToChange,
    NotSubscribed,
    PaymentDeclined,
    PriceTaken,
    QuoteNotFound,
    QuoteStale,
    QuoteUsed,
    SignatureRefused,
    StripeRefused,
    StripeUnavailable,
)
from billing.inbox import receive_webhook
from billing.invoices import Invoice, list_invoices
from billing.letters import DeadLetter, list_dead_letters, replay
from billing.prices import list_prices, map_price, price_of
from billing.quoting import QuoteView, quote_change
from billing.returning import success_url
from billing.settling import Settled, Sold
from billing.shelf import offered
from billing.standing import Backlog, billing_backlog, read_snapshot
from billing.state import StripeSubscription
from billing.subscribed import BillingState, billing_state, is_on
from billing.syncing import Result, sync_tenant

__all__ = [
    "AlreadySubscribed",
    "Backlog",
    "BillingCustomer",
    "BillingKeyReused",
    "BillingOff",
    "BillingState",
    "CannotChange",
    "Changed",
    "CheckoutBusy",
    "CheckoutClosed",
    "CustomerNotFound",
    "CustomerTaken",
    "DeadLetter",
    "InvalidEvent",
    "Invoice",
    "NotForSale",
    "NotSubscribed",
    "NothingToChange",
    "OpenCheckout",
    "Operation",
    "PaymentDeclined",
    "PriceTaken",
    "QuoteNotFound",
    "QuoteStale",
    "QuoteUsed",
    "QuoteView",
    "Result",
    "Settled",
    "SignatureRefused",
    "Sold",
    "StripeRefused",
    "StripeSubscription",
    "StripeUnavailable",
    "apply_quote",
    "begin_checkout",
    "billing_backlog",
    "billing_state",
    "call_later",
    "cancel",
    "find_customer",
    "get_customer",
    "is_on",
    "link_customer",
    "list_dead_letters",
    "list_invoices",
    "list_prices",
    "map_price",
    "offered",
    "open_portal",
    "price_of",
    "quote_change",
    "read_snapshot",
    "receive_webhook",
    "replay",
    "replay_call",
    "resume",
    "success_url",
    "sync_tenant",
    "want_customer",
]
