"""Stripe: the only module that imports its library. It asks, translates what it hears, and decides nothing."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any, Final, Protocol

import stripe
from django.conf import settings

from billing.errors import BillingOff, StripeRefused, StripeUnavailable
from billing.state import PAST_DUE, State, read_subscription

API_VERSION: Final = "2026-10-28.endive"
TENANT: Final = "tiergate.tenant"
"""The key of a customer's metadata at Stripe that names its tenant."""
SECONDS: Final = 10
"""How long an answer of Stripe's is waited for."""
PAGE: Final = 100
_MISSING: Final = "resource_missing"
_EXPANDED: Final = ["data.schedule", "data.default_payment_method"]


# It writes two lines for each call, with the ids that were asked for in them.
logging.getLogger("stripe").setLevel(logging.WARNING)


class Reader(Protocol):
    """What a sync asks of Stripe."""

    def subscriptions_of(self, customer: str) -> State:
        """Read all of a customer's subscriptions, whatever their status, in the order they were made."""


class StripeGateway:
    """Calls to one account at Stripe.

    Every method: :raises StripeUnavailable: no answer, or not now. :raises StripeRefused: an answer that is a no.
    """

    def __init__(self, *, key: str, api_base: str = "", seconds: float = SECONDS) -> None:
        self.client = stripe.StripeClient(
            key,
            stripe_version=API_VERSION,
            base_addresses={"api": api_base} if api_base else None,
            max_network_retries=1,
            http_client=stripe.RequestsClient(timeout=seconds),
        )
        # The library's parameters are typed by hundreds of classes; what is sent is written out here instead.
        self._v1: Any = self.client.v1

    # What a sync asks.

    def subscriptions_of(self, customer: str) -> State:
        """Read all of a customer's subscriptions, whatever their status, in the order they were made."""
        with translated():
            found = [self._read(one) for one in self._all_subscriptions({"customer": customer})]
        return tuple(sorted(found, key=lambda one: (one.created, one.id)))

    def subscriptions_by_customer(self) -> dict[str, State]:
        """Read every subscription of the account, those that are over too, by customer."""
        out: dict[str, list[Any]] = {}
        with translated():
            for said in self._all_subscriptions({}):
                out.setdefault(id_of(said["customer"]), []).append(self._read(said))
        return {one: tuple(sorted(found, key=lambda sub: (sub.created, sub.id))) for one, found in out.items()}

    def customer_of(self, object_id: str) -> str:
        """Find whose an object is; "" where it is nobody's, or of a kind that says nothing of what is paid for."""
        if object_id.startswith("cus_"):
            return object_id
        services = self._v1
        by_prefix = {
            "sub_sched_": services.subscription_schedules,
            "sub_": services.subscriptions,
            "in_": services.invoices,
            "cs_": services.checkout.sessions,
            "pm_": services.payment_methods,
        }
        for prefix, service in by_prefix.items():
            if object_id.startswith(prefix):
                try:
                    with translated():
                        return id_of(service.retrieve(object_id).to_dict().get("customer"))
                except StripeRefused as refused:
                    if refused.extra.get("stripe_code") != _MISSING:
                        raise
                    return ""
        return ""

    def is_deleted(self, customer: str) -> bool:
        """Ask whether an account was deleted; one that was never there is none that was."""
        with translated():
            return bool(self._v1.customers.retrieve(customer).to_dict().get("deleted"))

    def events(self, *, after: str = "", since: datetime | None = None) -> Iterator[dict[str, Any]]:
        """List the account's events, of the last 30 days at most.

        after: the id of one; those that are newer, the oldest first. since: those from then on, the newest first.
        """
        asked: dict[str, Any] = {"limit": PAGE}
        if after:
            asked["ending_before"] = after
        if since is not None:
            asked["created"] = {"gte": int(since.timestamp())}
        with translated():
            for event in self._v1.events.list(asked).auto_paging_iter():
                yield event.to_dict(for_json=True)

    # What is in an account.

    def products(self) -> list[dict[str, Any]]:
        """List products, those that are sold no longer too."""
        return self._listed(self._v1.products)

    def prices(self) -> list[dict[str, Any]]:
        """List prices, those that are sold no longer too."""
        return self._listed(self._v1.prices)

    def customers(self) -> list[dict[str, Any]]:
        """List customers."""
        return self._listed(self._v1.customers)

    # What changes an account. key: the same one is the same call, within a day.

    def create_customer(self, *, tenant: str, name: str, key: str) -> dict[str, Any]:
        """Make the account of a tenant, which it names."""
        with translated():
            asked = {"name": name, "metadata": {TENANT: tenant}}
            made: dict[str, Any] = self._v1.customers.create(asked, {"idempotency_key": key}).to_dict(for_json=True)
            return made

    def update_customer(self, *, customer: str, tenant: str, name: str, key: str) -> dict[str, Any]:
        """Change how an account is called, and name its tenant."""
        with translated():
            asked = {"name": name, "metadata": {TENANT: tenant}}
            made: dict[str, Any] = self._v1.customers.update(customer, asked, {"idempotency_key": key}).to_dict(
                for_json=True
            )
            return made

    def cancel_subscription(self, *, subscription: str, key: str) -> dict[str, Any]:
        """End a subscription at once; one that is over already stays so."""
        subscriptions = self._v1.subscriptions
        with translated():
            found: dict[str, Any] = subscriptions.retrieve(subscription).to_dict(for_json=True)
            if found["status"] not in {"canceled", "incomplete_expired"}:
                found = subscriptions.cancel(subscription, {}, {"idempotency_key": key}).to_dict(for_json=True)
            return found

    def put_product(self, *, product: str, name: str, metadata: Mapping[str, str]) -> str:
        """Make a product under an id of ours; one that is there already stays."""
        try:
            with translated():
                return str(self._v1.products.retrieve(product).id)
        except StripeRefused as refused:
            if refused.extra.get("stripe_code") != _MISSING:
                raise
        with translated():
            asked = {"id": product, "name": name, "metadata": dict(metadata)}
            return str(self._v1.products.create(asked, {"idempotency_key": f"product-{product}"}).id)

    def create_price(
        self, *, product: str, amount: int, currency: str, interval: str, metadata: Mapping[str, str], key: str
    ) -> str:
        """Make a price. interval: ``month``, ``year``, or ``once``."""
        asked: dict[str, Any] = {
            "product": product,
            "unit_amount": amount,
            "currency": currency,
            "metadata": dict(metadata),
        }
        if interval != "once":
            asked["recurring"] = {"interval": interval}
        with translated():
            return str(self._v1.prices.create(asked, {"idempotency_key": key}).id)

    def _listed(self, service: Any) -> list[dict[str, Any]]:
        with translated():
            return [one.to_dict(for_json=True) for one in service.list({"limit": PAGE}).auto_paging_iter()]

    def _all_subscriptions(self, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        pages = self._v1.subscriptions.list({**asked, "status": "all", "limit": PAGE, "expand": _EXPANDED})
        for one in pages.auto_paging_iter():
            yield one.to_dict(for_json=True)

    def _read(self, said: Mapping[str, Any]) -> Any:
        items = said["items"]
        found = items["data"]
        if items.get("has_more"):
            asked = {"subscription": said["id"], "limit": PAGE}
            found = [one.to_dict(for_json=True) for one in self._v1.subscription_items.list(asked).auto_paging_iter()]
        invoices: Iterator[Any] = iter(())
        if said["status"] == PAST_DUE:
            asked = {"subscription": said["id"], "limit": PAGE}
            invoices = (one.to_dict(for_json=True) for one in self._v1.invoices.list(asked).auto_paging_iter())
        return read_subscription(said, found, invoices)


def get_gateway() -> StripeGateway:
    """Return the way to the account of this installation.

    :raises BillingOff: it is connected to none.
    """
    if not settings.STRIPE.is_on:
        raise BillingOff("There is no billing here: STRIPE_API_KEY is not set.")
    return _made(settings.STRIPE.key, settings.STRIPE.api_base)


@cache
def _made(key: str, api_base: str) -> StripeGateway:
    return StripeGateway(key=key, api_base=api_base)


@contextmanager
def translated() -> Iterator[None]:
    """Turn the library's errors into the room's; what the library says of a request may hold its parameters, and stays out.

    :raises StripeUnavailable: :raises StripeRefused:
    """
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise StripeUnavailable(f"Stripe did not answer ({type(error).__name__}).") from error
    except stripe.StripeError as error:
        status = error.http_status or 0
        if status == 0 or status >= 500 or status in {409, 429}:  # noqa: PLR2004 - HTTP's own
            raise StripeUnavailable(f"Stripe could not do it ({status or type(error).__name__}).") from error
        code = str(error.code or getattr(error, "type", "") or type(error).__name__)
        raise StripeRefused(f"Stripe refused: {code}.", stripe_code=code, status=status) from error


def id_of(said: Any) -> str:
    """Read an id, of an object that may be written out; "" for none."""
    return str(said["id"]) if isinstance(said, Mapping) else str(said or "")
