"""What a person's journeys ask of Stripe: to open its pages, to reckon a change, and to make it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from billing.errors import PaymentDeclined, StripeRefused
from billing.gateway import TENANT, StripeGateway, get_gateway, id_of, translated
from billing.state import State

DECLINED: Final = 402
# What the vendor has agreed with a customer, whatever is bought.
_STANDING: Final = ("discounts", "default_tax_rates", "automatic_tax", "metadata")
_DISCOUNTS: Final = ("discount", "coupon", "promotion_code")
type Row = dict[str, Any]


class Till:
    """Calls of journeys to one account. key: the same one is the same call, within a day.

    Every method: :raises StripeUnavailable: no answer, or not now. :raises StripeRefused: an answer that is a no.
    """

    def __init__(self, gateway: StripeGateway) -> None:
        self.gateway = gateway
        # As in the gateway: what is sent is written out here instead of in the library's classes.
        self._v1: Any = gateway.client.v1

    def subscriptions_of(self, customer: str) -> State:
        """Read all of a customer's subscriptions."""
        return self.gateway.subscriptions_of(customer)

    def create_checkout(
        self,
        *,
        customer: str,
        prices: Sequence[str],
        tenant: str,
        success: str,
        cancel: str,
        expires_at: int,
        key: str,
        trial_days: int = 0,
    ) -> Row:
        """Open the page where a subscription is paid for. trial_days: nothing is charged before, and a card is taken."""
        of_it: Row = {"metadata": {TENANT: tenant}}
        if trial_days:
            of_it["trial_period_days"] = trial_days
        asked = {
            "mode": "subscription",
            "customer": customer,
            "line_items": [{"price": one, "quantity": 1} for one in prices],
            "success_url": success,
            "cancel_url": cancel,
            "client_reference_id": tenant,
            "expires_at": expires_at,
            "metadata": {TENANT: tenant},
            "subscription_data": of_it,
        }
        with translated():
            return _plain(self._v1.checkout.sessions.create(asked, {"idempotency_key": key}))

    def expire_checkout(self, session: str) -> str:
        """Close a checkout that nobody has paid, and return its status: one that was paid is ``complete``."""
        sessions = self._v1.checkout.sessions
        with translated():
            found = _plain(sessions.retrieve(session))
            if found["status"] == "open":
                found = _plain(sessions.expire(session))
            return str(found["status"])

    def open_portal(self, *, customer: str, back: str) -> str:
        """Open the page where cards are changed and invoices shown, and return its address."""
        with translated():
            return str(self._v1.billing_portal.sessions.create({"customer": customer, "return_url": back}).url)

    def preview(self, *, subscription: str, items: Sequence[Mapping[str, Any]], proration_date: int | None) -> Row:
        """Reckon what a change would cost. proration_date: now, for the rest of the period; None: from the next on."""
        details: Row = {"items": [dict(one) for one in items], "proration_behavior": "none"}
        if proration_date is not None:
            details |= {"proration_behavior": "always_invoice", "proration_date": proration_date}
        with translated():
            asked = {"subscription": subscription, "subscription_details": details}
            return _plain(self._v1.invoices.create_preview(asked))

    def change_now(
        self, *, subscription: str, items: Sequence[Mapping[str, Any]], proration_date: int, key: str
    ) -> Row:
        """Change what a subscription is of, and charge the difference; where the card is declined nothing changes.

        :raises PaymentDeclined:
        """
        asked = {
            "items": [dict(one) for one in items],
            "proration_behavior": "always_invoice",
            "proration_date": proration_date,
            "payment_behavior": "error_if_incomplete",
            "expand": ["latest_invoice"],
        }
        try:
            with translated():
                return _plain(self._v1.subscriptions.update(subscription, asked, {"idempotency_key": key}))
        except StripeRefused as refused:
            if refused.extra.get("status") == DECLINED:
                code = refused.extra.get("stripe_code")
                raise PaymentDeclined("The card was declined: nothing was changed.", stripe_code=code) from refused
            raise

    def change_later(
        self, *, subscription: str, schedule: str, items: Sequence[Mapping[str, Any]], interval: str, key: str
    ) -> Row:
        """Have a subscription be of other items from the end of its period on, instead of what was planned before.

        items: ``price`` and ``quantity`` of each.
        """
        schedules = self._v1.subscription_schedules
        with translated():
            if schedule:
                found = _plain(schedules.retrieve(schedule))
            else:
                begun = schedules.create({"from_subscription": subscription}, {"idempotency_key": f"{key}-begun"})
                found = _plain(begun)
            running = _running(found)
            phases = [
                {
                    "items": [_kept(one, "price", "quantity", "tax_rates", "discounts") for one in running["items"]],
                    "start_date": running["start_date"],
                    "end_date": running["end_date"],
                    # A phase is written anew whole: a trial that is not named again is over at once.
                    **_kept(running, "trial_end", *_STANDING),
                },
                {
                    "items": [dict(one) for one in items],
                    "duration": {"interval": interval, "interval_count": 1},
                    "proration_behavior": "none",
                    **_kept(running, *_STANDING),
                },
            ]
            asked = {"phases": phases, "end_behavior": "release"}
            return _plain(schedules.update(found["id"], asked, {"idempotency_key": f"{key}-phases"}))

    def drop_schedule(self, schedule: str) -> None:
        """Have what was planned not happen; the subscription goes on as it is."""
        with translated():
            if _plain(self._v1.subscription_schedules.retrieve(schedule))["status"] == "active":
                self._v1.subscription_schedules.release(schedule)

    def set_ending(self, *, subscription: str, is_ending: bool) -> Row:
        """Have a subscription end with its period, or go on after it."""
        with translated():
            said = _plain(self._v1.subscriptions.update(subscription, {"cancel_at_period_end": is_ending}))
            if not is_ending and said.get("cancel_at") is not None:
                # Ended by a day, as Stripe's own page may write the period's end, and not by that flag.
                said = _plain(self._v1.subscriptions.update(subscription, {"cancel_at": ""}))
            return said

    def invoices_of(self, customer: str, *, after: str, limit: int) -> list[Row]:
        """List a customer's invoices, the newest first. after: the id of the one before."""
        asked: Row = {"customer": customer, "limit": limit}
        if after:
            asked["starting_after"] = after
        with translated():
            return [_plain(one) for one in self._v1.invoices.list(asked).data]


def get_till() -> Till:
    """Return the way to the account of this installation.

    :raises BillingOff: it is connected to none.
    """
    return Till(get_gateway())


def _plain(said: Any) -> Row:
    out: Row = said.to_dict(for_json=True)
    return out


def _running(schedule: Row) -> Row:
    start = (schedule.get("current_phase") or {}).get("start_date")
    for phase in schedule["phases"]:
        if phase["start_date"] == start:
            found: Row = phase
            return found
    raise StripeRefused("The schedule is in none of its phases.", stripe_code="no_phase")


def _kept(said: Row, *names: str) -> Row:
    """Write what something says of itself as it is asked for; what it leaves open is left out."""
    out: Row = {}
    for name in names:
        match name, said.get(name):
            case _, None | [] | {}:
                continue
            case "discounts", found:
                # Each is said by the one of three that it is of.
                out[name] = [{kind: id_of(one[kind])} for one in found for kind in _DISCOUNTS if one.get(kind)]
            case "automatic_tax", found:
                out[name] = {"enabled": bool(found.get("enabled"))}
            case "price", found:
                out[name] = id_of(found)
            case "tax_rates" | "default_tax_rates", found:
                out[name] = [id_of(one) for one in found]
            case _, found:
                out[name] = found
    return out
