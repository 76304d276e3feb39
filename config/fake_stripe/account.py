"""The account that the fake keeps: its objects as they are answered, its clock, its chance."""

import random
import string
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from config.fake_stripe.wire import Missing, Obj, Params
from isolation import clock

_ALPHABET = string.ascii_letters + string.digits
_ID_LENGTH = 24


class Kept(NamedTuple):
    """What was answered to a call that had an idempotency key. call: a digest of it. at: in Unix seconds."""

    address: str
    call: str
    status: int
    body: str
    request: str
    at: int


class Account:
    """Everything that the fake knows. Whoever touches it holds ``lock``.

    seed: what makes its ids and faults. at: where its clock stands still; None lets it run. url: where it is reached.
    """

    def __init__(self, *, seed: int, at: datetime | None, url: str) -> None:
        self.lock = threading.RLock()
        self.url = url
        self.frozen: int | None = None if at is None else int(at.timestamp())
        self.chance = random.Random(seed)  # noqa: S311 - a seed must make the same run again; nothing here is secret
        self.kinds: dict[str, dict[str, Obj]] = {}
        self.owned: dict[tuple[str, str], dict[str, Obj]] = {}
        # What Stripe knows and does not tell: how a card behaves, how often a payment was tried.
        self.hidden: dict[str, Obj] = {}
        # What happens with each event, set by the server: it is sent to the webhooks.
        self.tell: Callable[[Obj], None] = lambda _event: None
        # By idempotency key: what was called, and what was answered.
        self.kept: dict[str, Kept] = {}
        self.request: Obj = {"id": None, "idempotency_key": None}
        # What is done when the retries of a payment are over: cancel, unpaid or past_due.
        self.after_retries = "cancel"

    def now(self, owner: Obj | None = None) -> int:
        """Tell the time, in Unix seconds: that of the owner's test clock, if it has one."""
        if owner is not None and (name := owner.get("test_clock")):
            frozen: int = self.kinds["test_helpers.test_clock"][name]["frozen_time"]
            return frozen
        return int(clock.now().timestamp()) if self.frozen is None else self.frozen

    def new_id(self, prefix: str) -> str:
        """Make an id that no other object has."""
        return prefix + "".join(self.chance.choices(_ALPHABET, k=_ID_LENGTH))

    def add(self, made: Obj) -> Obj:
        """Keep an object under its id, its kind and its customer."""
        kind = made["object"]
        self.kinds.setdefault(kind, {})[made["id"]] = made
        if isinstance(owner := made.get("customer"), str):
            self.owned.setdefault((kind, owner), {})[made["id"]] = made
        return made

    def drop(self, gone: Obj) -> None:
        """Forget an object."""
        self.kinds[gone["object"]].pop(gone["id"], None)
        self.owned.get((gone["object"], gone.get("customer") or ""), {}).pop(gone["id"], None)
        self.hidden.pop(gone["id"], None)

    def get(self, kind: str, name: str) -> Obj:
        """Find the object that a path names.

        :raises Missing: there is none.
        """
        found = self.kinds.get(kind, {}).get(name)
        if found is None:
            raise Missing(kind, name)
        return found

    def named(self, kind: str, name: str, param: str) -> Obj:
        """Find the object that a parameter names.

        :raises Missing: there is none.
        """
        found = self.kinds.get(kind, {}).get(name)
        if found is None:
            raise Missing(kind, name, param=param, status=400)
        return found

    def all(self, kind: str) -> Iterable[Obj]:
        """List the objects of a kind, oldest first."""
        return self.kinds.get(kind, {}).values()

    def of(self, kind: str, customer: str) -> Iterable[Obj]:
        """List a customer's objects of a kind, oldest first."""
        return self.owned.get((kind, customer), {}).values()

    def asked_for(self, params: Params) -> str | None:
        """Read whose objects a list is asked for; None where it is asked for everybody's.

        :raises Missing: there is no such customer, nor was there: nobody is not one who has nothing.
        """
        name = params.text("customer")
        if name is not None and name not in self.hidden.get("deleted", {}):
            self.named("customer", name, "customer")
        return name

    def find(self, name: str) -> Obj | None:
        """Find an object of whatever kind by its id."""
        for found in self.kinds.values():
            if name in found:
                return found[name]
        return None

    def secret(self, name: str) -> dict[str, Any]:
        """Hold what is known of an object and not told."""
        return self.hidden.setdefault(name, {})
