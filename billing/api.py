"""The door: whose account at Stripe is whose, that it is read now, what was read of it, and what a person must look at."""

from billing.buying import OpenCheckout, begin_checkout, begin_trial, open_portal
from billing.calls import replay_call
from billing.changing import Changed, apply_quote, cancel, resume
from billing.customers import BillingCustomer, find_customer, get_customer, link_customer
from billing.errors import (
    AlreadySubscribed,
    BillingKeyReused,
    BillingOff,
    CannotChange,
    ChangeBusy,
    CheckoutBusy,
    CheckoutClosed,
    CustomerNotFound,
    CustomerTaken,
    EndSet,
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
from billing.looking import (
    CALL_STATES,
    EVENT_STATES,
    OwedCall,
    StoredEvent,
    WaitingCustomer,
    list_calls,
    list_events,
    list_waiting,
)
from billing.owing import Operation, call_later, want_customer
from billing.prices import list_prices, map_price, price_of
from billing.quoting import QuoteView, quote_change
from billing.returning import success_url
from billing.settling import Settled, Sold
from billing.shelf import is_any_sold, offered
from billing.standing import Backlog, billing_backlog, read_snapshot
from billing.state import StripeSubscription
from billing.subscribed import BillingState, billing_state, is_on
from billing.syncing import Result, sync_tenant

__all__ = [
    "CALL_STATES",
    "EVENT_STATES",
    "AlreadySubscribed",
    "Backlog",
    "BillingCustomer",
    "BillingKeyReused",
    "BillingOff",
    "BillingState",
    "CannotChange",
    "ChangeBusy",
    "Changed",
    "CheckoutBusy",
    "CheckoutClosed",
    "CustomerNotFound",
    "CustomerTaken",
    "DeadLetter",
    "EndSet",
    "InvalidEvent",
    "Invoice",
    "NotForSale",
    "NotSubscribed",
    "NothingToChange",
    "OpenCheckout",
    "Operation",
    "OwedCall",
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
    "StoredEvent",
    "StripeRefused",
    "StripeSubscription",
    "StripeUnavailable",
    "WaitingCustomer",
    "apply_quote",
    "begin_checkout",
    "begin_trial",
    "billing_backlog",
    "billing_state",
    "call_later",
    "cancel",
    "find_customer",
    "get_customer",
    "is_any_sold",
    "is_on",
    "link_customer",
    "list_calls",
    "list_dead_letters",
    "list_events",
    "list_invoices",
    "list_prices",
    "list_waiting",
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
