"""Who is told of events? The endpoints, and what each is sent."""

from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from config.fake_stripe.account import Account
from config.fake_stripe.delivery import Letter, Post
from config.fake_stripe.events import thin
from config.fake_stripe.faults import Fate, Faults
from config.fake_stripe.lists import PAGE, page
from config.fake_stripe.routing import serves
from config.fake_stripe.wire import VERSION, Obj, Params, Refusal, encode

type Payload = Literal["snapshot", "thin", "both"]

_TOLD = "url enabled_events description metadata"
_LOOPBACK = {"127.0.0.1", "localhost"}


class Webhooks:
    """Hands each event to the endpoints that want it, with what shall befall it on the way."""

    def __init__(self, account: Account, *, seed: int, senders: int) -> None:
        self._account = account
        self.faults = Faults()
        self.fate = Fate(seed)
        self.post = Post(lambda: self.faults, senders=senders)
        account.tell = self.tell

    def turn(self, knobs: dict[str, Any]) -> None:
        """Turn knobs.

        :raises Refusal: one is unknown, or its value of another kind.
        """
        self.faults = self.faults.turned(knobs)
        self.post.turned()

    def tell(self, event: Obj) -> None:
        """Send an event to every endpoint that is on and asked for its type."""
        for endpoint in self._account.all("webhook_endpoint"):
            wanted = endpoint["enabled_events"]
            if endpoint["status"] == "enabled" and ("*" in wanted or event["type"] in wanted):
                payload: Payload = self._account.secret(endpoint["id"])["payload"]
                event["pending_webhooks"] += 2 if payload == "both" else 1
                if payload != "thin":
                    self._send(event, endpoint, event)
                if payload != "snapshot":
                    self._send(event, endpoint, thin(event))

    def _send(self, event: Obj, endpoint: Obj, told: Obj) -> None:
        hidden = self._account.secret(endpoint["id"])

        def taken() -> None:
            with self._account.lock:
                event["pending_webhooks"] = max(0, event["pending_webhooks"] - 1)

        letter = Letter(
            event=told["id"],
            endpoint=endpoint["id"],
            url=endpoint["url"],
            body=msgspec.json.format(encode(told), indent=2),
            secrets=lambda: list(hidden["secrets"]),
            taken=taken,
        )
        self.post.take(self.fate.of_event(self.faults), letter)


def add_endpoint(
    account: Account,
    url: str,
    *,
    secrets: list[str] | None = None,
    payload: Payload = "snapshot",
    events: list[str] | None = None,
) -> Obj:
    """Add an endpoint.

    :raises Refusal: it is not on this machine.
    """
    _refuse_elsewhere(url)
    made: Obj = {
        "id": account.new_id("we_"),
        "object": "webhook_endpoint",
        "api_version": VERSION,
        "application": None,
        "created": account.now(),
        "description": None,
        "enabled_events": events or ["*"],
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": url,
    }
    account.secret(made["id"]).update(secrets=secrets or [account.new_id("whsec_")], payload=payload)
    return account.add(made)


def _refuse_elsewhere(url: str) -> None:
    if urlsplit(url).hostname not in _LOOPBACK:
        raise Refusal(f"The fake sends to this machine alone, not to {url}.", code="url_invalid", param="url")


@serves("POST /v1/webhook_endpoints", f"{_TOLD} api_version")
def create_endpoint(account: Account, params: Params) -> Obj:
    """Add an endpoint; its secret is told this once."""
    made = add_endpoint(account, params.needed("url"), events=params.words("enabled_events"))
    made["description"] = params.text("description")
    made["metadata"] = params.metadata()
    return {**made, "secret": account.secret(made["id"])["secrets"][0]}


@serves("GET /v1/webhook_endpoints", PAGE)
def list_endpoints(account: Account, params: Params) -> Obj:
    """List the endpoints."""
    return page("/v1/webhook_endpoints", "webhook_endpoint", params, account.all("webhook_endpoint"))


@serves("GET /v1/webhook_endpoints/*")
def get_endpoint(account: Account, _params: Params, name: str) -> Obj:
    """Answer one endpoint."""
    return account.get("webhook_endpoint", name)


@serves("POST /v1/webhook_endpoints/*", f"{_TOLD} disabled")
def update_endpoint(account: Account, params: Params, name: str) -> Obj:
    """Change an endpoint, or turn it off."""
    known = account.get("webhook_endpoint", name)
    if (disabled := params.flag("disabled")) is not None:
        known["status"] = "disabled" if disabled else "enabled"
    if "enabled_events" in params:
        known["enabled_events"] = params.words("enabled_events")
    if "url" in params:
        _refuse_elsewhere(params.needed("url"))
        known["url"] = params.needed("url")
    known["metadata"] = params.metadata(known["metadata"])
    return known


@serves("DELETE /v1/webhook_endpoints/*")
def delete_endpoint(account: Account, _params: Params, name: str) -> Obj:
    """Remove an endpoint."""
    account.drop(account.get("webhook_endpoint", name))
    return {"id": name, "object": "webhook_endpoint", "deleted": True}
