"""What this room refuses, each with the code that programs read."""

from tiergate import ErrorKind, TiergateError


class BillingOff(TiergateError):
    """There is no connection to Stripe here."""

    code = "billing_off"
    kind = ErrorKind.NOT_FOUND


class SignatureRefused(TiergateError):
    """A webhook that nobody who has the endpoint's secret signed just now."""

    code = "signature_refused"
    kind = ErrorKind.INVALID


class InvalidEvent(TiergateError):
    """A webhook that was signed and is no event."""

    code = "invalid_event"
    kind = ErrorKind.INVALID


class StripeUnavailable(TiergateError):
    """Stripe does not answer, or asks to be asked less."""

    code = "stripe_unavailable"
    kind = ErrorKind.UNAVAILABLE


class StripeRefused(TiergateError):
    """Stripe will not do what it was asked; its own code is ``stripe_code``."""

    code = "stripe_refused"
    kind = ErrorKind.CONFLICT


class CustomerNotFound(TiergateError):
    """The tenant has no account at Stripe, or the account no tenant."""

    code = "billing_customer_not_found"
    kind = ErrorKind.NOT_FOUND


class CustomerTaken(TiergateError):
    """The tenant has another account at Stripe, or the account another tenant."""

    code = "billing_customer_taken"
    kind = ErrorKind.CONFLICT


class PriceTaken(TiergateError):
    """The price stands for another version of a plan already."""

    code = "billing_price_taken"
    kind = ErrorKind.CONFLICT


class InvalidMapping(TiergateError):
    """A mapping of prices and accounts that cannot be taken."""

    code = "invalid_billing_mapping"
    kind = ErrorKind.INVALID


class NotForSale(TiergateError):
    """A plan or add-on that cannot be bought online here."""

    code = "not_for_sale"
    kind = ErrorKind.NOT_FOUND


class AlreadySubscribed(TiergateError):
    """The tenant pays for a plan already: that one is changed, none is begun beside it."""

    code = "already_subscribed"
    kind = ErrorKind.CONFLICT


class NotSubscribed(TiergateError):
    """The tenant pays for nothing that could be changed."""

    code = "not_subscribed"
    kind = ErrorKind.CONFLICT


class CheckoutBusy(TiergateError):
    """Another checkout of the tenant is just being opened."""

    code = "checkout_busy"
    kind = ErrorKind.CONFLICT


class CheckoutClosed(TiergateError):
    """The checkout of this key is over: begin another, by another key."""

    code = "checkout_closed"
    kind = ErrorKind.CONFLICT


class BillingKeyReused(TiergateError):
    """The key was used for something else."""

    code = "billing_key_reused"
    kind = ErrorKind.CONFLICT


class NothingToChange(TiergateError):
    """What is asked for is what is so already."""

    code = "nothing_to_change"
    kind = ErrorKind.CONFLICT


class CannotChange(TiergateError):
    """A subscription that holds what is unknown here, is not paid, or is about to change or end as it is."""

    code = "cannot_change"
    kind = ErrorKind.CONFLICT


class EndSet(TiergateError):
    """The vendor has set a day on which the subscription ends: only the vendor takes that back."""

    code = "end_set"
    kind = ErrorKind.CONFLICT


class ChangeBusy(TiergateError):
    """Another change of the tenant is just being made."""

    code = "change_busy"
    kind = ErrorKind.CONFLICT


class QuoteNotFound(TiergateError):
    """There is no such quote of this tenant."""

    code = "quote_not_found"
    kind = ErrorKind.NOT_FOUND


class QuoteUsed(TiergateError):
    """The quote was used, by another key."""

    code = "quote_used"
    kind = ErrorKind.CONFLICT


class QuoteStale(TiergateError):
    """The quote is too old, or the subscription is not any more what it was worked out from: ask for another."""

    code = "quote_stale"
    kind = ErrorKind.CONFLICT


class PaymentDeclined(TiergateError):
    """The card was not charged, and nothing was changed."""

    code = "payment_declined"
    kind = ErrorKind.CONFLICT
