"""What is one decision made of? Microseconds by stage, in one process, without a server or a network.

The product's own functions are wrapped from here while the real way in is called with real questions, so that what is
timed is what runs; the product holds no clock for this. A name that is gone stops the bench: a stage is never
silently zero. Wrapping costs each stage some tenths of a microsecond.
"""

import importlib
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from itertools import cycle, islice
from time import perf_counter, thread_time
from typing import Any

from bench.catalogue_large import Class
from bench.questions import Prepared, ours
from bench.seed_large import Person
from config.embedded.processes import wait_until

# Title, module, name in it. None of them is called by another of them, so that no time counts twice.
STAGES: tuple[tuple[str, str, str], ...] = (
    ("credential", "decisions.wire", "find_credential"),
    ("question parsed", "decisions.wire", "_plain_question"),
    ("snapshot of the tenant", "decisions.evaluate", "find_snapshot"),
    ("person remembered", "decisions.evaluate", "recall_person"),
    ("person read in PostgreSQL", "decisions.evaluate", "read_person"),
    ("facts put together", "decisions.evaluate", "gather"),
    ("decide", "decisions.evaluate", "decide"),
    ("record encoded", "decisions.trail", "_payload"),
    ("record handed to the sender", "audit.api", "append_later"),
    ("record committed in PostgreSQL", "audit.api", "append_at_once"),
    ("use of the session noted", "decisions.evaluate", "_note_use"),
    ("answer told", "decisions.wire", "told"),
    ("answer encoded", "decisions.wire", "_encode"),
)
DOOR, REST, TOTAL, PROCESSOR = "the door around them", "what joins them", "all", "of it on the processor"
_EVALUATE = ("decisions.wire", "evaluate_bytes")
_QUESTIONS = 200
_FEW = 25
_ROUNDS = 5
_LISTENING_SECONDS = 10


def measure(people: Sequence[Person]) -> dict[str, dict[str, float]]:
    """Time each class of question, a routine one both from memory and read anew: the median of some thousand requests."""
    asked = {of: list(islice(cycle(ours(people, of)), _QUESTIONS)) for of in Class}
    door = _door()
    _require_listening(door, asked[Class.ROUTINE][0])
    try:
        return {
            "routine": _stages(door, asked[Class.ROUTINE], is_warm=True),
            "routine, read": _stages(door, asked[Class.ROUTINE], is_warm=False),
            **{str(of): _stages(door, asked[of], is_warm=True) for of in (Class.PREMIUM, Class.REGULATED)},
        }
    finally:
        _end_threads()


def _stages(door: Callable[[Prepared], str], asked: Sequence[Prepared], *, is_warm: bool) -> dict[str, float]:
    forget = importlib.import_module("decisions.people").forget_people
    requests: list[dict[str, float]] = []
    for few in (asked[at : at + _FEW] for _ in range(_ROUNDS) for at in range(0, len(asked), _FEW)):
        # What is remembered is confirmed once a second: so few are asked at once that hardly one has to be meanwhile.
        for one in few:
            door(one)
        if not is_warm:
            forget()
        with _timed() as spent:
            for one in few:
                spent.update(dict.fromkeys(spent, 0.0))
                began, worked = perf_counter(), thread_time()
                status = door(one)
                worked, total = thread_time() - worked, perf_counter() - began
                if not status.startswith("200"):
                    raise RuntimeError(f"A question for the stages is answered {status}.")
                requests.append(_of_one(spent, total, worked))
    return {name: statistics.median(one[name] for one in requests) for name in requests[0]}


def _of_one(spent: Mapping[str, float], total: float, worked: float) -> dict[str, float]:
    inside = spent[DOOR]
    named = {title: spent[title] * 1e6 for title, _, _ in STAGES}
    return {
        **named,
        REST: inside * 1e6 - sum(named.values()),
        DOOR: (total - inside) * 1e6,
        TOTAL: total * 1e6,
        PROCESSOR: worked * 1e6,
    }


@contextmanager
def _timed() -> Iterator[dict[str, float]]:
    """Wrap every stage for as long as the block runs; gives the seconds spent in each so far."""
    spent: dict[str, float] = {}
    before = []
    wire = importlib.import_module("decisions.wire")
    places = [(title, importlib.import_module(module), name) for title, module, name in STAGES]
    places.append((DOOR, wire, _EVALUATE[1]))
    try:
        for title, module, name in places:
            original = getattr(module, name)
            before.append((module, name, original))
            spent[title] = 0.0
            setattr(module, name, _wrapped(original, title, spent))
        with _door_enters_by(wire.evaluate_bytes):
            yield spent
    finally:
        for module, name, original in reversed(before):
            setattr(module, name, original)


@contextmanager
def _door_enters_by(evaluate_bytes: Callable[..., Any]) -> Iterator[None]:
    """Let the door, which holds on to what it calls, call this."""
    answered = importlib.import_module("config.door")._ANSWERED  # noqa: SLF001 - looked into on purpose, as above
    before = answered["evaluation"]
    answered["evaluation"] = evaluate_bytes
    try:
        yield
    finally:
        answered["evaluation"] = before


def _wrapped(original: Callable[..., Any], title: str, spent: dict[str, float]) -> Callable[..., Any]:
    def timed(*arguments: Any, **named: Any) -> Any:
        began = perf_counter()
        try:
            return original(*arguments, **named)
        finally:
            spent[title] += perf_counter() - began

    return timed


def _door() -> Callable[[Prepared], str]:
    """Make the way in that a server calls, with a request as a server hands it over; gives the status line."""
    application = importlib.import_module("config.wsgi").application
    path = importlib.import_module("bench.servers").OUR_PATH

    def ask(prepared: Prepared) -> str:
        body = prepared.body.encode()
        said: list[str] = []
        environ = {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "localhost",
            "HTTP_AUTHORIZATION": prepared.authorization,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body),
        }
        b"".join(application(environ, lambda status, _headers: said.append(status)))
        return said[0]

    return ask


def _require_listening(door: Callable[[Prepared], str], first: Prepared) -> None:
    """Wait until this process hears of changes: until then it remembers nothing."""
    door(first)
    if not wait_until(importlib.import_module("licensing.api").is_listening, seconds=_LISTENING_SECONDS):
        raise RuntimeError("This process does not hear of changes, so that it remembers nothing.")


def _end_threads() -> None:
    importlib.import_module("licensing.api").stop_listening()
    importlib.import_module("audit.api").stop_stream()
