"""Invoices: written, finalised, paid or not."""

from config.fake_stripe.account import Account
from config.fake_stripe.cards import card_of
from config.fake_stripe.events import emit
from config.fake_stripe.lists import INCLUDED
from config.fake_stripe.wire import Obj, copied, listing

DRAFT_SECONDS = 3600
_LINES_SHOWN = 10
_DAY = 24 * 3600
# Stripe's own plan for payments that fail: how long after each attempt the next one is.
RETRY_AFTER = (3 * _DAY, 5 * _DAY, 7 * _DAY)


def new_invoice(
    account: Account,
    customer: Obj,
    subscription: Obj | None,
    lines: list[Obj],
    *,
    reason: str,
    period: tuple[int, int],
    name: str | None = None,
) -> Obj:
    """Write a draft, which is not kept yet. reason: such as ``"subscription_cycle"``. period: Unix seconds."""
    now = account.now(customer)
    name = name or account.new_id("in_")
    how = subscription["collection_method"] if subscription else "charge_automatically"
    details = None
    if subscription is not None:
        details = {"metadata": subscription["metadata"], "subscription": subscription["id"]}
    made: Obj = {
        "id": name,
        "object": "invoice",
        "account_country": "US",
        "account_name": "Tiergate's fake Stripe",
        "account_tax_ids": None,
        "amount_due": 0,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "provider": None,
            "status": None,
        },
        "automatically_finalizes_at": None,
        "billing_reason": reason,
        "collection_method": how,
        "created": now,
        "currency": lines[0]["currency"] if lines else "usd",
        "custom_fields": None,
        "customer": customer["id"],
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": customer["shipping"],
        "customer_tax_exempt": customer["tax_exempt"],
        "customer_tax_ids": [],
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "due_date": now + (subscription["days_until_due"] or 0) * _DAY
        if subscription and how == "send_invoice"
        else None,
        "effective_at": None,
        "ending_balance": None,
        "footer": None,
        "from_invoice": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": listing(f"/v1/invoices/{name}/lines", lines[:_LINES_SHOWN], has_more=len(lines) > _LINES_SHOWN),
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": None,
        "number": None,
        "on_behalf_of": None,
        "parent": None
        if details is None
        else {"quote_details": None, "subscription_details": details, "type": "subscription_details"},
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "period_end": period[1],
        "period_start": period[0],
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status": "draft",
        "status_transitions": dict.fromkeys(("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")),
        "test_clock": customer["test_clock"],
        "threshold_reason": None,
        "total_discount_amounts": [],
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": now,
    }
    total = sum(one["amount"] for one in lines)
    made |= {"subtotal": total, "subtotal_excluding_tax": total, "total": total, "total_excluding_tax": total}
    _owe(made, customer["balance"])
    return made


def keep_invoice(account: Account, invoice: Obj, lines: list[Obj]) -> Obj:
    """Keep a draft, with all of its lines, and tell of it."""
    for one in lines:
        one["invoice"] = invoice["id"]
    account.secret(invoice["id"])["lines"] = lines
    account.add(invoice)
    emit(account, "invoice.created", invoice)
    return invoice


def lines_of(account: Account, invoice: Obj) -> list[Obj]:
    """List all lines of an invoice: it shows the first ten itself."""
    found: list[Obj] = account.secret(invoice["id"])["lines"]
    return found


def subscription_of(invoice: Obj) -> str | None:
    """Say which subscription an invoice is of."""
    parent = invoice["parent"]
    return None if parent is None else parent["subscription_details"]["subscription"]


def _owe(invoice: Obj, balance: int) -> None:
    """Say what is due: the total and the customer's balance, which is below zero where they have something good."""
    invoice["starting_balance"] = balance
    due = max(0, invoice["total"] + balance)
    invoice["amount_due"] = invoice["amount_remaining"] = due


def finalize(account: Account, invoice: Obj) -> None:
    """Fix an invoice: it gets its number, and the customer's balance is drawn on."""
    customer = account.get("customer", invoice["customer"])
    now = account.now(customer)
    _owe(invoice, customer["balance"])
    # What is good beyond the total stays so, and a total below zero adds to it.
    customer["balance"] = min(0, invoice["starting_balance"] + invoice["total"])
    invoice["ending_balance"] = customer["balance"]
    invoice["number"] = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04}"
    customer["next_invoice_sequence"] += 1
    customer["currency"] = invoice["currency"]
    invoice["status"] = "open"
    invoice["automatically_finalizes_at"] = None
    invoice["status_transitions"]["finalized_at"] = invoice["effective_at"] = now
    invoice["hosted_invoice_url"] = f"{account.url}/i/{invoice['id']}"
    invoice["invoice_pdf"] = f"{account.url}/i/{invoice['id']}/pdf"
    emit(account, "invoice.finalized", invoice)


def method_for(customer: Obj, subscription: Obj | None) -> str | None:
    """Say which card pays: the subscription's own, else the customer's."""
    own: str | None = subscription["default_payment_method"] if subscription else None
    theirs: str | None = customer["invoice_settings"]["default_payment_method"]
    return own or theirs


def would_pay(account: Account, method: str | None) -> bool:
    """Say whether a card pays when it is charged; none does not."""
    return method is not None and not card_of(account, method).declines


def attempt(account: Account, invoice: Obj, method: str | None) -> bool:
    """Try to have an open invoice paid, and say whether it is."""
    if invoice["amount_due"] == 0:
        _paid(account, invoice)
        return True
    customer = account.get("customer", invoice["customer"])
    invoice["attempt_count"] += 1
    invoice["attempted"] = True
    pays = would_pay(account, method)
    intent = _intent(account, invoice, method, succeeds=pays)
    emit(account, "payment_intent.succeeded" if pays else "payment_intent.payment_failed", intent)
    if pays:
        customer["delinquent"] = False
        _paid(account, invoice)
        return True
    customer["delinquent"] = True
    _plan_retry(account, invoice)
    emit(account, "invoice.payment_failed", invoice)
    return False


def _plan_retry(account: Account, invoice: Obj) -> None:
    """Say when the next attempt is; the first invoice of a subscription waits for the person instead."""
    tried = invoice["attempt_count"]
    again = invoice["billing_reason"] != "subscription_create" and tried <= len(RETRY_AFTER)
    customer = account.get("customer", invoice["customer"])
    invoice["next_payment_attempt"] = account.now(customer) + RETRY_AFTER[tried - 1] if again else None


def _paid(account: Account, invoice: Obj) -> None:
    invoice["status"] = "paid"
    invoice["amount_paid"] = invoice["amount_due"]
    invoice["amount_remaining"] = 0
    invoice["attempted"] = True
    invoice["next_payment_attempt"] = None
    now = account.now(account.get("customer", invoice["customer"]))
    invoice["status_transitions"]["paid_at"] = now
    emit(account, "invoice.paid", invoice)
    emit(account, "invoice.payment_succeeded", invoice)


def close(account: Account, invoice: Obj, status: str) -> None:
    """Give an invoice up: ``void`` or ``uncollectible``."""
    invoice["status"] = status
    invoice["next_payment_attempt"] = None
    invoice["auto_advance"] = False
    name = "voided_at" if status == "void" else "marked_uncollectible_at"
    invoice["status_transitions"][name] = account.now(account.get("customer", invoice["customer"]))
    emit(account, "invoice.voided" if status == "void" else "invoice.marked_uncollectible", invoice)


def _intent(account: Account, invoice: Obj, method: str | None, *, succeeds: bool) -> Obj:
    """Write what an attempt to be paid was; the next attempt at the same invoice is the same one."""
    hidden = account.secret(invoice["id"])
    name = hidden.setdefault("intent", account.new_id("pi_"))
    code = "" if method is None else card_of(account, method).declines
    made: Obj = {
        "id": name,
        "object": "payment_intent",
        "amount": invoice["amount_due"],
        "amount_received": invoice["amount_due"] if succeeds else 0,
        "client_secret": f"{name}_secret_fake",
        "created": invoice["created"],
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "last_payment_error": None
        if succeeds
        else {
            "code": "card_declined" if code else "missing",
            "decline_code": code or None,
            "message": "Your card was declined." if code else "There is no card to charge.",
            "type": "card_error",
        },
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "payment_method": method if succeeds else None,
        "payment_method_types": ["card"],
        "status": "succeeded" if succeeds else "requires_payment_method",
    }
    return account.add(made)


def payments_of(account: Account, invoice: Obj) -> Obj:
    """List what was paid, or was to be paid, on an invoice."""
    intent = account.secret(invoice["id"]).get("intent")
    rows = []
    if intent is not None:
        paid = invoice["status"] == "paid"
        rows.append(
            {
                "id": f"inpay_{intent.removeprefix('pi_')}",
                "object": "invoice_payment",
                "amount_paid": invoice["amount_paid"] if paid else None,
                "amount_requested": invoice["amount_due"],
                "created": invoice["created"],
                "currency": invoice["currency"],
                "invoice": invoice["id"],
                "is_default": True,
                "livemode": False,
                "payment": {"payment_intent": intent, "type": "payment_intent"},
                "status": "paid" if paid else "open",
                "status_transitions": {
                    "canceled_at": None,
                    "paid_at": invoice["status_transitions"]["paid_at"],
                },
            }
        )
    return copied(listing("/v1/invoice_payments", rows))


def _secret(account: Account, invoice: Obj) -> Obj:
    return {"client_secret": f"{account.secret(invoice['id']).get('intent')}_secret_fake", "type": "payment_intent"}


INCLUDED["invoice", "payments"] = payments_of
INCLUDED["invoice", "confirmation_secret"] = _secret
