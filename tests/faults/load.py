"""Questions from several threads at once, each of which knows what the right answer is, whenever it comes."""

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from config.demo.ports import HOST

FORGOTTEN_SECONDS: Final = 1.5
"""How long after a change was acknowledged an answer may still be from before it."""

PATIENCE_SECONDS: Final = 8.0
"""How long a thread waits for an answer before it calls it none."""

_REST_SECONDS: Final = 0.02
"""How long a thread rests after an answer: sooner than a client that was told to come again later."""

_PATH: Final = "/access/v1/evaluation"


class Kind(StrEnum):
    """What came of one request."""

    RIGHT = "right"
    LATER = "503"
    BROKEN = "errors"
    """The connection broke, or nothing came."""
    DENIED = "denied"
    """Refused, although it should have been allowed: wrong, but never open."""
    ODD = "odd"
    """Any other status, or a 503 that does not say when to try again."""
    WRONG = "wrong"
    """Allowed, although it must not be."""


@dataclass(slots=True)
class Truth:
    """What is right for a question. Instants are of the monotonic clock."""

    is_allowed: bool
    lost_from: float = float("inf")
    lost_at: float = float("inf")

    def judge(self, *, asked_at: float, is_allowed: bool) -> Kind:
        """Say what an answer is worth."""
        if is_allowed:
            may_be = self.is_allowed and asked_at <= self.lost_at + FORGOTTEN_SECONDS
            return Kind.RIGHT if may_be else Kind.WRONG
        is_expected = not self.is_allowed or time.monotonic() >= self.lost_from
        return Kind.RIGHT if is_expected else Kind.DENIED


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request. is_durable: whether its record stands before its answer, whatever that is."""

    secret: str
    body: bytes
    truth: Truth
    is_durable: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """One request. ended_at: of the monotonic clock."""

    kind: Kind
    ended_at: float
    seconds: float
    what: str = ""


@dataclass(slots=True)
class Heard:
    """What a load has heard. told: by the id of an acknowledged decision, whether its record was durable."""

    events: list[Event] = field(default_factory=list)
    told: dict[UUID, bool] = field(default_factory=dict)

    def count(self) -> Counter[Kind]:
        """Count what came of the requests."""
        return Counter(event.kind for event in self.events)

    def slowest(self) -> float:
        """Tell how long the slowest answer took."""
        return max((event.seconds for event in self.events), default=0.0)

    def last_trouble(self, *, since: float) -> float:
        """Tell when the last request ended that was not answered right, or `since`."""
        return max((event.ended_at for event in self.events if event.kind != Kind.RIGHT), default=since)

    def sayings(self) -> list[str]:
        """List what was not right, with how often it was said."""
        said = Counter(f"{event.kind}: {event.what}" for event in self.events if event.kind != Kind.RIGHT)
        return [f"{count} x {what}" for what, count in said.most_common(8)]


def question(
    subject: str, action: str, session: str, secret: str, *, truth: Truth, is_durable: bool = False
) -> Question:
    """Write a question as a product asks it."""
    body = {
        "subject": {"type": "user", "id": subject},
        "action": {"name": action},
        "resource": {"type": "thing", "id": "1"},
        "context": {"session": session},
    }
    return Question(secret=secret, body=json.dumps(body).encode(), truth=truth, is_durable=is_durable)


class Load:
    """Threads that ask for as long as the block lasts. `questions` may be put in and taken out meanwhile."""

    def __init__(self, port: int, questions: Sequence[Question], *, threads: int = 8) -> None:
        self.questions = list(questions)
        self._port = port
        self._ended = threading.Event()
        self._heard = [Heard() for _ in range(threads)]
        self._threads = [threading.Thread(target=self._ask_on, args=(heard,), daemon=True) for heard in self._heard]

    @contextmanager
    def going(self) -> Iterator[None]:
        """Ask meanwhile."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in self._threads:
                thread.join(timeout=2 * PATIENCE_SECONDS)

    def heard(self) -> Heard:
        """Put together what every thread has heard so far."""
        whole = Heard()
        for one in self._heard:
            whole.events += list(one.events)
            whole.told |= dict(one.told)
        return whole

    def wait_until_quiet(self, *, since: float, quiet: float, seconds: float) -> bool:
        """Go on until every answer has been right for `quiet` seconds; False if that does not come in time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            last = max(since, self.heard().last_trouble(since=since))
            if time.monotonic() - last >= quiet:
                return True
            self._ended.wait(0.1)
        return False

    def _ask_on(self, heard: Heard) -> None:
        chosen = random.Random(id(heard))  # noqa: S311 - nothing secret
        connection = http.client.HTTPConnection(HOST, self._port, timeout=PATIENCE_SECONDS)
        while not self._ended.is_set():
            one = chosen.choice(self.questions)
            began = time.monotonic()
            try:
                kind, what = self._asked(connection, one, heard, began)
            except (OSError, http.client.HTTPException, ValueError) as error:
                connection.close()
                kind, what = Kind.BROKEN, type(error).__name__
            ended = time.monotonic()
            heard.events.append(Event(kind, ended, ended - began, what))
            # Also after what was right: as quickly as they are answered, questions fill the disk with their records.
            self._ended.wait(_REST_SECONDS)
        connection.close()

    def _asked(
        self, connection: http.client.HTTPConnection, one: Question, heard: Heard, began: float
    ) -> tuple[Kind, str]:
        headers = {"Authorization": f"Bearer {one.secret}", "Content-Type": "application/json"}
        connection.request("POST", _PATH, one.body, headers)
        response = connection.getresponse()
        content = response.read()
        if response.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            is_clear = (response.getheader("Retry-After") or "").isdigit() and b'"code"' in content
            return (Kind.LATER if is_clear else Kind.ODD), str(json.loads(content).get("code"))
        if response.status == http.HTTPStatus.UNAUTHORIZED:
            return one.truth.judge(asked_at=began, is_allowed=False), "401"
        if response.status != http.HTTPStatus.OK:
            return Kind.ODD, f"{response.status} {content[:200]!r}"
        answer: dict[str, Any] = json.loads(content)
        is_allowed = answer["decision"] is True
        heard.told[UUID(answer["context"]["id"].removeprefix("dec_"))] = one.is_durable or not is_allowed
        kind = one.truth.judge(asked_at=began, is_allowed=is_allowed)
        return kind, str(answer["context"]["reason"]) + f" {one.body.decode()}" * (kind != Kind.RIGHT)


type Change = Callable[[str, str], str]


class Losing:
    """Takes things away from people while they ask, and keeps asking whether the answers know."""

    def __init__(self, world: dict[str, Any], change: Change, *, at: int) -> None:
        self._world, self._change = world, change
        self._number = at
        self._owed: dict[tuple[str, str], tuple[Truth, str]] = {}

    def next_questions(self) -> list[tuple[str, str, Question]]:
        """Prepare the next four that will lose something: what, by which key, and their question."""
        number, self._number = self._number, self._number + 1
        product, quiet = (self._world["credentials"][name][1] for name in ("product", "quiet"))
        sessions = self._world["sessions"]
        losing_id, losing_secret = self._world["credentials"][f"losing{number}"]
        session, member, steady = f"session{number}", f"member{number}", "steady0"
        made = [
            ("session", sessions[session], (session, "reports.use", sessions[session], quiet)),
            ("member", member, (member, "reports.use", sessions[member], product)),
            ("override", f"beta{number}", (steady, f"beta{number}.use", sessions[steady], product)),
            ("credential", losing_id, (steady, "reports.use", sessions[steady], losing_secret)),
        ]
        return [(kind, key, question(*asked, truth=Truth(is_allowed=True))) for kind, key, asked in made]

    def take(self, kind: str, key: str, truth: Truth) -> None:
        """Take it away; where the database does not take that now, it is owed."""
        truth.lost_from = min(truth.lost_from, time.monotonic())
        said = self._change(kind, key)
        if said == "done":
            truth.lost_at = time.monotonic()
        else:
            self._owed[kind, key] = truth, said

    def pay(self) -> list[str]:
        """Try again what is owed, and list why what still is could not be done."""
        owed, self._owed = self._owed, {}
        for (kind, key), (truth, _) in owed.items():
            self.take(kind, key, truth)
        return [f"{kind}: {said}" for (kind, _), (_, said) in self._owed.items()]


def steady_questions(world: dict[str, Any], *, people: int) -> list[Question]:
    """Write what nobody changes: routine and premium allows, and refusals."""
    product = world["credentials"]["product"][1]
    made = []
    for number in range(people):
        name = f"steady{number}"
        session = world["sessions"][name]
        made += [question(name, "reports.use", session, product, truth=Truth(is_allowed=True)) for _ in range(4)]
        made.append(question(name, "exports.use", session, product, truth=Truth(is_allowed=True), is_durable=True))
        made.append(question(name, "vault.use", session, product, truth=Truth(is_allowed=False), is_durable=True))
    made.append(question("nobody", "reports.use", "ses_" + "0" * 32, product, truth=Truth(is_allowed=False)))
    another = world["sessions"]["steady1"]
    made.append(question("steady0", "reports.use", another, product, truth=Truth(is_allowed=False)))
    return made
