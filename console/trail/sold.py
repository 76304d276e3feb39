"""What was sold, to whom seats were offered, and what the vendor's own systems were told."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from audit.api import Entry, Kind
from console.trail.wording import Names, dig, plain

type Teller = Callable[[Entry, Names], str]


def _by(entry: Entry, names: Names) -> str:
    return names.actor(entry.payload.get("by"))


def _linked(entry: Entry, names: Names) -> str:
    return f"{_by(entry, names)} linked {plain(names.tenant)} to the account {plain(entry.payload.get('customer'))} at Stripe"


def _held(entry: Entry, names: Names) -> str:
    customer, problem = plain(entry.payload.get("customer")), plain(entry.payload.get("problem"))
    return (
        f"what {plain(names.tenant)} is on was kept, though its account {customer} at Stripe says otherwise: {problem}"
    )


def _price_mapped(entry: Entry, names: Names) -> str:
    price, version = plain(entry.payload.get("price")), plain(entry.payload.get("version"))
    return f"{_by(entry, names)} said that the price {price} at Stripe pays for {version}"


def _billing_replayed(entry: Entry, names: Names) -> str:
    return f"{_by(entry, names)} had billing try {plain(entry.payload.get('ref'))} again, which had been given up"


def _webhook(entry: Entry, names: Names) -> str:
    payload, by = entry.payload, _by(entry, names)
    url = plain(dig(payload, "new", "url") or dig(payload, "old", "url"))
    if payload.get("is_rolled"):
        return f"{by} exchanged the secret of webhooks to {url}"
    if payload.get("new") is None:
        return f"{by} ended webhooks to {url}"
    return f"{by} {'changed' if payload.get('old') else 'began'} webhooks to {url}"


def _webhook_disabled(entry: Entry, _names: Names) -> str:
    why = "it said that it is gone" if entry.payload.get("because") == "gone" else "it took none for days on end"
    return f"webhooks to {plain(entry.payload.get('url'))} were stopped: {why}"


def _webhook_replayed(entry: Entry, names: Names) -> str:
    return f"{_by(entry, names)} had webhooks sent again to the endpoint {plain(entry.payload.get('endpoint'))}"


def _scheduled(entry: Entry, names: Names) -> str:
    plan, day = plain(entry.payload.get("plan")), plain(str(entry.payload.get("effective_at"))[:10])
    return f"{_by(entry, names)} had {plain(names.tenant)} change to {plan} on {day}"


def _cancelled(entry: Entry, names: Names) -> str:
    plan, because = plain(entry.payload.get("plan")), entry.payload.get("because")
    told = f"the change of {plain(names.tenant)} to {plan}, which was to come, was cancelled"
    return f"{told}: {plain(because)}" if because else f"{told} by {_by(entry, names)}"


SOLD: Final[Mapping[str, Teller]] = MappingProxyType(
    {
        Kind.BILLING_LINKED: _linked,
        Kind.BILLING_UNLINKED: lambda entry, names: (
            f"the account {plain(entry.payload.get('customer'))} of {plain(names.tenant)} was deleted at Stripe: it is linked no more"
        ),
        Kind.BILLING_HELD: _held,
        Kind.BILLING_PRICE_MAPPED: _price_mapped,
        Kind.BILLING_REPLAYED: _billing_replayed,
        Kind.INVITATION_OPENED: lambda entry, names: f"{_by(entry, names)} invited somebody to {plain(names.tenant)}",
        Kind.INVITATION_ACCEPTED: lambda entry, names: (
            f"{names.member(entry.subject)} accepted an invitation to {plain(names.tenant)}"
        ),
        Kind.INVITATION_REVOKED: lambda entry, names: (
            f"{_by(entry, names)} took an invitation to {plain(names.tenant)} back"
        ),
        Kind.CHANGE_SCHEDULED: _scheduled,
        Kind.CHANGE_CANCELLED: _cancelled,
        Kind.WEBHOOK_CHANGED: _webhook,
        Kind.WEBHOOK_DISABLED: _webhook_disabled,
        Kind.WEBHOOK_REPLAYED: _webhook_replayed,
    }
)
