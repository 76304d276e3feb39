"""What somebody had billing do; what came of it is told as the subscription that changed."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from audit.api import Entry, Kind
from console.trail.wording import Names, listed, plain

_WHEN: Final = {"now": "at once", "period_end": "from the end of the period on"}
_REFUSED: Final = {
    "quote_stale": "the subscription had changed since its price was shown",
    "payment_declined": "the card was declined",
    "stripe_refused": "Stripe refused",
    "cannot_change": "it could not be changed",
}


def _by(entry: Entry, names: Names) -> str:
    return names.actor(entry.payload.get("by"))


def _begun(entry: Entry, names: Names) -> str:
    bought = listed(entry.payload.get("bought"))
    return f"{_by(entry, names)} opened a checkout of {bought} for {plain(names.tenant)}"


def _ordered(entry: Entry, names: Names) -> str:
    payload: Any = entry.payload
    when = _WHEN.get(str(payload.get("when")), plain(payload.get("when")))
    cost = f"{plain(payload.get('amount_due'))} of the smallest unit of {plain(payload.get('currency'))}"
    return (
        f"{_by(entry, names)} ordered {listed(payload.get('versions'))} for {plain(names.tenant)}, {when}, for {cost}"
    )


def _refused(entry: Entry, names: Names) -> str:
    why = _REFUSED.get(str(entry.payload.get("why")), plain(entry.payload.get("why")))
    return f"what {_by(entry, names)} ordered for {plain(names.tenant)} came to nothing: {why}"


def _ended(entry: Entry, names: Names) -> str:
    if entry.payload.get("why") == "tenant_closed":
        return f"what {plain(names.tenant)} paid for is ended at Stripe, since it was closed"
    return _did("had the subscription of {tenant} end with its period")(entry, names)


def _did(what: str) -> Callable[[Entry, Names], str]:
    def tell(entry: Entry, names: Names) -> str:
        return f"{_by(entry, names)} {what.format(tenant=plain(names.tenant))}"

    return tell


ORDERED: Final[Mapping[str, Callable[[Entry, Names], str]]] = MappingProxyType(
    {
        Kind.BILLING_CHECKOUT_BEGUN: _begun,
        Kind.BILLING_CHANGE_ORDERED: _ordered,
        Kind.BILLING_CHANGE_REFUSED: _refused,
        Kind.BILLING_PORTAL_OPENED: _did("opened Stripe's page for {tenant}"),
        Kind.BILLING_CANCEL_ORDERED: _ended,
        Kind.BILLING_RESUME_ORDERED: _did("had the subscription of {tenant} go on as it is"),
    }
)
