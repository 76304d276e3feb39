"""Sends events to webhooks, signed, from threads of its own, and again until they are taken."""

import hashlib
import heapq
import hmac
import http.client
import itertools
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from config.fake_stripe.faults import Faults, Plan
from isolation import clock

_TIMEOUT_SECONDS = 10.0
_REMEMBERED = 50_000
_TAKEN = range(200, 300)
# How many events a held second is worth, where turns count instead of time.
_A_SECOND = 20
_LONG_AGO = -1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An event for one endpoint. secrets: what signs it at the moment. taken: called when the endpoint took it."""

    event: str
    endpoint: str
    url: str
    body: bytes
    secrets: Callable[[], list[str]]
    taken: Callable[[], None]


@dataclass(order=True, slots=True)
class Parcel:
    """One copy of a letter on its way. due: by the monotonic clock. lost: how many answers get lost yet."""

    due: float
    number: int
    letter: Letter = field(compare=False)
    lost: int = field(compare=False)
    attempt: int = field(compare=False, default=0)


def signature(body: bytes, secrets: list[str], at: int) -> str:
    """Sign a body with each secret: ``t=…,v1=…,v1=…``, and a v0 as test mode has it, which must never count."""
    signed = f"{at}.".encode() + body
    made = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    nothing = hmac.new(b"v0", signed, hashlib.sha256).hexdigest()
    return ",".join([f"t={at}", *(f"v1={one}" for one in made), f"v0={nothing}"])


class Post:
    """The threads that deliver, and what waits for them.

    faults: read anew for each parcel. senders: how many deliver at a time; one keeps the order, where nothing fails.
    """

    def __init__(self, faults: Callable[[], Faults], *, senders: int) -> None:
        self._faults = faults
        self._waiting: list[Parcel] = []
        self._under_way = 0
        self._numbers = itertools.count()
        self._turns = itertools.count()
        self._moved = threading.Condition()
        self._closed = False
        self.sent: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)
        self._threads = [threading.Thread(target=self._run, name=f"post {n}", daemon=True) for n in range(senders)]

    def open(self) -> None:
        """Start delivering."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop, and wait until the threads have; what waits is not sent."""
        with self._moved:
            self._closed = True
            self._moved.notify_all()
        for thread in self._threads:
            thread.join()

    def take(self, plan: Plan, letter: Letter) -> None:
        """Take the copies of an event that are to be sent."""
        with self._moved:
            # While all is held, an event waits for its turn, not for a time: else the machine's speed would decide.
            since, speed = (_LONG_AGO + next(self._turns), _A_SECOND) if self._faults().hold else (monotonic(), 1)
            for copy, hold in enumerate(plan.holds):
                parcel = Parcel(since + hold * speed, next(self._numbers), letter, 0 if copy else plan.lost)
                heapq.heappush(self._waiting, parcel)
            self._moved.notify_all()

    def pending(self) -> int:
        """Count what is not delivered yet."""
        with self._moved:
            return len(self._waiting) + self._under_way

    def turned(self) -> None:
        """Look at the faults again."""
        with self._moved:
            self._moved.notify_all()

    def settle(self, seconds: float) -> bool:
        """Wait until all is delivered or given up; False when that takes longer than so many seconds."""
        with self._moved:
            return self._moved.wait_for(lambda: not self._waiting and not self._under_way, seconds)

    def _run(self) -> None:
        lines: dict[str, http.client.HTTPConnection] = {}
        try:
            while (parcel := self._next()) is not None:
                self._deliver(parcel, lines)
        finally:
            for line in lines.values():
                line.close()

    def _next(self) -> Parcel | None:
        with self._moved:
            while not self._closed:
                if not self._waiting or self._faults().hold:
                    self._moved.wait()
                    continue
                if (wait := self._waiting[0].due - monotonic()) > 0:
                    self._moved.wait(wait)
                    continue
                self._under_way += 1
                return heapq.heappop(self._waiting)
        return None

    def _deliver(self, parcel: Parcel, lines: dict[str, http.client.HTTPConnection]) -> None:
        parcel.attempt += 1
        status = _post(parcel.letter, lines)
        is_taken = status in _TAKEN
        if is_taken and parcel.lost:
            parcel.lost -= 1
            is_taken = False
        told = {
            "event": parcel.letter.event,
            "endpoint": parcel.letter.endpoint,
            "attempt": parcel.attempt,
            "status": status,
        }
        self.sent.append({**told, "taken": is_taken})
        if is_taken:
            parcel.letter.taken()
        faults = self._faults()
        with self._moved:
            self._under_way -= 1
            if not is_taken and parcel.attempt <= faults.retries:
                wait = min(faults.retry_seconds * 2 ** (parcel.attempt - 1), faults.retry_most)
                parcel.due = monotonic() + wait
                heapq.heappush(self._waiting, parcel)
            self._moved.notify_all()


def _post(letter: Letter, lines: dict[str, http.client.HTTPConnection]) -> int:
    """Send a letter; answers the status, 0 where nobody answered."""
    where = urlsplit(letter.url)
    is_used = where.netloc in lines
    if not is_used:
        lines[where.netloc] = http.client.HTTPConnection(where.hostname or "", where.port, timeout=_TIMEOUT_SECONDS)
    line = lines[where.netloc]
    at = int(clock.now().timestamp())  # the receiver's own clock is asked whether a signature is fresh
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signature(letter.body, letter.secrets(), at),
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    path = f"{where.path or '/'}?{where.query}" if where.query else where.path or "/"
    try:
        line.request("POST", path, body=letter.body, headers=headers)
        answer = line.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        line.close()
        if not is_used:
            return 0
        # A connection that had lain idle may have been closed meanwhile: that is no answer of the receiver's.
        del lines[where.netloc]
        return _post(letter, lines)
    return answer.status
