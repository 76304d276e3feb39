"""The fake itself: what is put together, started and stopped."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from config.fake_stripe.account import Account
from config.fake_stripe.api import Api
from config.fake_stripe.checkout import complete
from config.fake_stripe.control import Control
from config.fake_stripe.front import Front
from config.fake_stripe.http_server import HOST, Answer, Request, Server
from config.fake_stripe.keeping import load, save
from config.fake_stripe.resources import RESOURCES
from config.fake_stripe.webhooks import Payload, Webhooks, add_endpoint
from config.fake_stripe.wire import Obj, Refusal

KEY = "sk_test_tiergate_fake"
SECRET = "whsec_tiergate_fake"  # noqa: S105 - signs between two processes of one machine, in tests and the demo

_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class FakeStripe:
    """A Stripe of one's own, for as long as the block lasts.

    port: 0 takes a free one. webhook_url: where events go, on this machine. webhook_secrets: each signs. payload: what
    is sent of an event: the snapshot, the thin one, or both. key: the only one that is let in. seed: what decides ids
    and faults. at: where its clock stands still; None lets it run. senders: how many webhooks are sent at a time; with
    one, they go out in the order in which things happened. state_file: what it remembers over a restart. knobs: see ``Control.turn``.
    """

    def __init__(  # noqa: PLR0913 - each has its default
        self,
        *,
        port: int = 0,
        webhook_url: str | None = None,
        webhook_secrets: tuple[str, ...] = (SECRET,),
        payload: Payload = "snapshot",
        key: str = KEY,
        seed: int = 1,
        at: datetime | None = None,
        senders: int = 1,
        state_file: Path | None = None,
        **knobs: Any,
    ) -> None:
        assert RESOURCES  # noqa: S101 - their addresses are served because they are imported
        self._server = Server(port, self._answer)
        self.key = key
        self.webhook_secrets = webhook_secrets
        self.account = Account(seed=seed, at=at, url=self.url)
        self._webhooks = Webhooks(self.account, seed=seed, senders=senders)
        self._api = Api(self.account, key=key)
        self._front = Front(self.account)
        self._control = Control(self.account, self._api, self._webhooks)
        self._file = state_file
        try:
            waiting = [] if state_file is None else load(self.account, state_file)
            if webhook_url is not None:
                given = add_endpoint(self.account, webhook_url, secrets=list(webhook_secrets), payload=payload)
                self.account.secret(given["id"])["given"] = True
            self._control.turn(**knobs)
        except Refusal:
            self._server.server_close()
            raise
        for event in waiting:
            self._webhooks.tell(event)
        self._fronts: dict[str, Callable[[Request], Answer]] = {
            "v1": self._call,
            "v2": self._call,
            "_knobs": self._control.answer,
            "_state": self._control.answer,
        }

    @property
    def url(self) -> str:
        """Where it is reached: what the library takes as ``base_addresses["api"]``."""
        return f"http://{HOST}:{self._server.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, and deliver webhooks."""
        self._webhooks.post.open()
        self._server.start()

    def stop(self) -> None:
        """Stop both; what waits to be delivered is not."""
        self._server.stop()
        self._webhooks.post.close()
        if self._file is not None:
            with self.account.lock:
                save(self.account, self._file)

    def turn(self, **knobs: Any) -> None:
        """Turn knobs, as ``POST /_knobs`` does.

        :raises Refusal: one is unknown, or its value of another kind.
        """
        self._control.turn(**knobs)

    def state(self) -> Obj:
        """Look inside, as ``GET /_state`` does."""
        return self._control.state()

    def pay(self, session: str, *, card: str = "pm_card_visa", email: str | None = None) -> str:
        """Pay a checkout session as a person on its page would; answers where they are sent.

        :raises Refusal: the card is declined, or the session is not open.
        """
        with self.account.lock:
            return complete(self.account, session, card, email=email)

    def settle(self, seconds: float = 10.0) -> bool:
        """Wait until every webhook is delivered or given up; False when that takes longer."""
        return self._webhooks.post.settle(seconds)

    def _answer(self, request: Request) -> Answer:
        front = self._fronts.get(request.path.strip("/").partition("/")[0], self._front.answer)
        answer = front(request)
        if self._file is not None and request.method != "GET":
            with self.account.lock:
                save(self.account, self._file)
        return Answer(answer.status, answer.body, {**answer.headers, **_SECURITY})

    def _call(self, request: Request) -> Answer:
        return self._api.answer(request, self._webhooks.fate, self._webhooks.faults)
