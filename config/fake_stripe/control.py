"""The knobs, and a look inside: for tests and the demo, not part of Stripe."""

from datetime import datetime
from typing import Any

import msgspec

from config.fake_stripe.account import Account
from config.fake_stripe.api import Api
from config.fake_stripe.http_server import Answer, Request
from config.fake_stripe.passing import pass_to
from config.fake_stripe.webhooks import Webhooks
from config.fake_stripe.wire import Obj, Refusal, encode

_AFTER_RETRIES = {"cancel", "unpaid", "past_due"}


class Control:
    """Turns knobs and tells the state."""

    def __init__(self, account: Account, api: Api, webhooks: Webhooks) -> None:
        self._account = account
        self._api = api
        self._webhooks = webhooks

    def answer(self, request: Request) -> Answer:
        """Answer ``POST /_knobs`` and ``GET /_state``."""
        try:
            return _told(self._do(request))
        except msgspec.DecodeError as error:
            return Answer(400, encode({"error": {"message": str(error)}}), _JSON)
        except Refusal as refusal:
            return Answer(refusal.status, refusal.body(), _JSON)

    def _do(self, request: Request) -> Obj:
        match request.method, request.path:
            case "POST", "/_knobs":
                self.turn(**msgspec.json.decode(request.body or b"{}", type=dict[str, Any]))
                return {"knobs": msgspec.to_builtins(self._webhooks.faults)}
            case "GET", "/_state":
                return self.state()
            case _:
                raise Refusal("There are POST /_knobs and GET /_state.", status=404)

    def turn(self, **knobs: Any) -> None:
        """Turn knobs; beside the faults, ``seed``, ``now``, ``secrets``, ``payload`` and ``after_retries``.

        seed: faults begin anew with it. now: where the account's clock stands, Unix seconds or an aware datetime; what
        falls due until then happens; null lets the clock run. secrets: what webhooks are signed with, all of them at
        once. payload: snapshot, thin or both. after_retries: what becomes of a subscription that was never paid:
        cancel, unpaid or past_due.

        :raises Refusal: a knob is unknown, or its value of another kind.
        """
        with self._account.lock:
            rest = dict(knobs)
            own = {
                name: rest.pop(name) for name in ("seed", "now", "secrets", "payload", "after_retries") if name in rest
            }
            self._webhooks.turn(rest)
            for name, value in own.items():
                getattr(self, f"_turn_{name}")(value)

    def _turn_seed(self, seed: int) -> None:
        self._webhooks.fate.reseed(seed)

    def _turn_now(self, now: float | datetime | None) -> None:
        if now is None:
            self._account.frozen = None
            return
        pass_to(self._account, int(now.timestamp()) if isinstance(now, datetime) else int(now))

    def _turn_secrets(self, secrets: list[str]) -> None:
        if not secrets or not all(secrets):
            raise Refusal("At least one secret signs.", param="secrets")
        for endpoint in self._account.all("webhook_endpoint"):
            self._account.secret(endpoint["id"])["secrets"] = list(secrets)

    def _turn_payload(self, payload: str) -> None:
        if payload not in {"snapshot", "thin", "both"}:
            raise Refusal("payload is snapshot, thin or both.", param="payload")
        for endpoint in self._account.all("webhook_endpoint"):
            self._account.secret(endpoint["id"])["payload"] = payload

    def _turn_after_retries(self, after: str) -> None:
        if after not in _AFTER_RETRIES:
            raise Refusal("after_retries is cancel, unpaid or past_due.", param="after_retries")
        self._account.after_retries = after

    def state(self) -> Obj:
        """Tell how many objects there are, what waits to be delivered, and what was delivered how."""
        with self._account.lock:
            return {
                "now": self._account.now(),
                "frozen": self._account.frozen is not None,
                "calls": self._api.calls,
                "pending": self._webhooks.post.pending(),
                "knobs": msgspec.to_builtins(self._webhooks.faults),
                "objects": {kind: len(found) for kind, found in self._account.kinds.items()},
                "deliveries": list(self._webhooks.post.sent),
            }


_JSON = {"Content-Type": "application/json"}


def _told(value: Obj) -> Answer:
    return Answer(200, encode(value), _JSON)
