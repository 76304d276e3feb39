"""The door: whose account at Stripe is whose, that it is read now, what was read of it, and what a person must look at."""

from billing.calls import Operation, call_later, replay_call, want_customer
from billing.customers import BillingCustomer, find_customer, get_customer, link_customer
from billing.errors import (
    BillingOff,
    CustomerNotFound,
    CustomerTaken,
    InvalidEvent,
    PriceTaken,
    SignatureRefused,
    StripeRefused,
    StripeUnavailable,
)
from billing.inbox import receive_webhook
from billing.letters import DeadLetter, list_dead_letters, replay
from billing.prices import list_prices, map_price, price_of
from billing.returning import success_url
from billing.settling import Settled, Sold
from billing.standing import Backlog, billing_backlog, read_snapshot
from billing.state import StripeSubscription
from billing.syncing import Result, sync_tenant

__all__ = [
    "Backlog",
    "BillingCustomer",
    "BillingOff",
    "CustomerNotFound",
    "CustomerTaken",
    "DeadLetter",
    "InvalidEvent",
    "Operation",
    "PriceTaken",
    "Result",
    "Settled",
    "SignatureRefused",
    "Sold",
    "StripeRefused",
    "StripeSubscription",
    "StripeUnavailable",
    "billing_backlog",
    "call_later",
    "find_customer",
    "get_customer",
    "link_customer",
    "list_dead_letters",
    "list_prices",
    "map_price",
    "price_of",
    "read_snapshot",
    "receive_webhook",
    "replay",
    "replay_call",
    "success_url",
    "sync_tenant",
    "want_customer",
]
