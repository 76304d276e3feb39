"""What happened, as events: snapshots that hold the object as it was, and thin ones that only point to it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from config.fake_stripe.account import Account
from config.fake_stripe.lists import PAGE, in_time, page
from config.fake_stripe.routing import serves
from config.fake_stripe.wire import VERSION, Missing, Obj, Params, encode

# Stripe gives events out for thirty days.
KEPT_SECONDS = 30 * 24 * 3600

_ADDRESSES = {
    "checkout.session": "/v1/checkout/sessions/",
    "test_helpers.test_clock": "/v1/test_helpers/test_clocks/",
    "billing_portal.session": "/v1/billing_portal/sessions/",
}


def emit(account: Account, kind: str, about: Obj, previous: Obj | None = None) -> None:
    """Record that something happened to an object, and tell the webhooks.

    kind: such as ``"customer.subscription.updated"``. previous: what members were before, where they changed.
    """
    told: Obj = {"object": msgspec.Raw(encode(about))}
    if previous is not None:
        told["previous_attributes"] = msgspec.Raw(encode(previous))
    account.tell(
        account.add(
            {
                "id": account.new_id("evt_"),
                "object": "event",
                "api_version": VERSION,
                "created": account.now(),
                "data": told,
                "livemode": False,
                "pending_webhooks": 0,
                "request": dict(account.request),
                "type": kind,
            }
        )
    )


def changed(account: Account, kind: str, before: Obj, after: Obj) -> bool:
    """Tell that an object changed, if it did, and which members; say whether it did."""
    previous = {name: value for name, value in before.items() if name not in after or after[name] != value}
    previous |= dict.fromkeys(name for name in after if name not in before)
    if not previous:
        return False
    emit(account, kind, after, previous)
    return True


def thin(event: Obj) -> Obj:
    """Turn a snapshot event into the notification that only points to its object."""
    about: Obj = msgspec.json.decode(encode(event["data"]["object"]))
    kind = about["object"]
    told: Obj = {
        "id": thin_id(event["id"]),
        "object": "v2.core.event",
        "type": f"v1.{event['type']}",
        "livemode": False,
        "created": _iso(event["created"]),
        "reason": None,
    }
    if event["request"]["id"] is not None:
        known = {name: event["request"][name] or "" for name in ("id", "idempotency_key")}
        told["reason"] = {"type": "request", "request": known}
    if "id" in about:
        address = _ADDRESSES.get(kind, f"/v1/{kind.replace('.', '/')}s/") + about["id"]
        told["related_object"] = {"id": about["id"], "type": kind, "url": address}
    return told


def thin_id(name: str) -> str:
    """Name the thin event that stands beside a snapshot event."""
    return f"evt_thin_{name.removeprefix('evt_')}"


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _kept(account: Account) -> Iterable[Obj]:
    since = account.now() - KEPT_SECONDS
    return (event for event in account.all("event") if event["created"] > since)


@serves("GET /v1/events", f"type types created delivery_success {PAGE}")
def list_events(account: Account, params: Params) -> Obj:
    """List the events of the last thirty days, newest first."""
    rows = in_time(params, _kept(account))
    wanted = {*params.words("types"), params.text("type")} - {None}
    if wanted:
        rows = [row for row in rows if row["type"] in wanted]
    if (succeeded := params.flag("delivery_success")) is not None:
        rows = [row for row in rows if (row["pending_webhooks"] == 0) == succeeded]
    return page("/v1/events", "event", params, rows)


@serves("GET /v1/events/*")
def get_event(account: Account, _params: Params, name: str) -> Obj:
    """Answer one event, if it is younger than thirty days.

    :raises Missing: it is not, or there is none.
    """
    event = account.get("event", name)
    if event["created"] <= account.now() - KEPT_SECONDS:
        raise Missing("event", name)
    return event


@serves("GET /v2/core/events/*")
def get_thin_event(account: Account, _params: Params, name: str) -> Obj:
    """Answer a thin event whole: with the changes, and the id of the snapshot beside it."""
    event = get_event(account, Params({}), f"evt_{name.removeprefix('evt_thin_')}")
    whole: Obj = {**thin(event), "context": None, "snapshot_event": event["id"], "changes": None}
    previous: Any = event["data"].get("previous_attributes")
    if previous is not None:
        before: Obj = msgspec.json.decode(encode(previous))
        about: Obj = msgspec.json.decode(encode(event["data"]["object"]))
        whole["changes"] = {"before": before, "after": {key: about.get(key) for key in before}}
    return whole
