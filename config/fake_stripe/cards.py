"""The test cards: which may be kept, and which pay."""

import hashlib
from dataclasses import dataclass

from config.fake_stripe.account import Account
from config.fake_stripe.wire import Obj, Refusal


@dataclass(frozen=True, slots=True)
class Card:
    """A test card, by Stripe's own names for them.

    declines: the decline code when it is charged; empty where it pays. kept: whether a customer may have it.
    """

    number: str
    brand: str
    says: str
    declines: str = ""
    kept: bool = True

    @property
    def fingerprint(self) -> str:
        """Name the card, whoever shows it: the same number has always the same."""
        return hashlib.sha256(self.number.encode()).hexdigest()[:16]


CARDS = {
    "pm_card_visa": Card("4242424242424242", "visa", "pays"),
    "pm_card_mastercard": Card("5555555555554444", "mastercard", "pays"),
    "pm_card_amex": Card("378282246310005", "amex", "pays"),
    "pm_card_chargeCustomerFail": Card(
        "4000000000000341", "visa", "is kept, and declined when charged", "generic_decline"
    ),
    "pm_card_visa_chargeDeclined": Card("4000000000000002", "visa", "is declined", "generic_decline", kept=False),
    "pm_card_visa_chargeDeclinedInsufficientFunds": Card(
        "4000000000009995", "visa", "is declined: insufficient funds", "insufficient_funds", kept=False
    ),
    "pm_card_chargeDeclined": Card("4000000000000002", "visa", "is declined", "generic_decline", kept=False),
}


def new_method(account: Account, token: str, customer: Obj | None = None) -> Obj:
    """Make a payment method of a test card.

    :raises Refusal: there is no such card.
    """
    card = CARDS.get(token)
    if card is None:
        raise Refusal(f"No such PaymentMethod: '{token}'", code="resource_missing", param="payment_method")
    made: Obj = {
        "id": account.new_id("pm_"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
            "email": None,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        "card": {
            "brand": card.brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US",
            "display_brand": card.brand,
            "exp_month": 12,
            "exp_year": 2034,
            "fingerprint": card.fingerprint,
            "funding": "credit",
            "generated_from": None,
            "last4": card.number[-4:],
            "networks": {"available": [card.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": account.now(customer),
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }
    account.secret(made["id"])["card"] = token
    return account.add(made)


def card_of(account: Account, method: str) -> Card:
    """Say which card a payment method is of."""
    return CARDS[account.hidden[method]["card"]]


def declined(card: Card, *, status: int = 402) -> Refusal:
    """Say that a card was declined."""
    insufficient = card.declines == "insufficient_funds"
    return Refusal(
        "Your card has insufficient funds." if insufficient else "Your card was declined.",
        status=status,
        kind="card_error",
        code="card_declined",
        decline_code=card.declines or "generic_decline",
    )
