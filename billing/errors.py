"""What this room refuses, each with the code that programs read."""

from tiergate import ErrorKind, TiergateError


class BillingOff(TiergateError):
    """There is no connection to Stripe here."""

    code = "billing_off"
    kind = ErrorKind.UNAVAILABLE


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
