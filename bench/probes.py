"""Requests over kept connections, and a look at many processes at once until each answers anew."""

import json
import selectors
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from config.demo.ports import HOST

EVALUATION = "/access/v1/evaluation"
_CHUNK = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One request."""

    method: str = "POST"
    path: str = EVALUATION
    secret: str = ""
    document: Any = None

    def as_bytes(self) -> bytes:
        """Write it as HTTP/1.1."""
        content = b"" if self.document is None else json.dumps(self.document).encode()
        return (
            f"{self.method} {self.path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.secret}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        ).encode() + content


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    content: bytes

    @property
    def document(self) -> Any:
        """Read it as JSON."""
        return json.loads(self.content)

    @property
    def word(self) -> str:
        """Say what it comes down to: the outcome and the reason, or the status of what is no answer."""
        if self.status != 200:  # noqa: PLR2004 - HTTP's own number
            return str(self.status)
        context = self.document["context"]
        return context["outcome"] if context["outcome"] == "allow" else f"{context['outcome']} {context['reason']}"


@dataclass(slots=True)
class Connection:
    """A connection that is kept, with one request on its way at most."""

    port: int
    timeout: float = 10.0
    held: bytes = b""
    wire: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self.wire = socket.create_connection((HOST, self.port), timeout=self.timeout)
        self.wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()

    def ask(self, request: bytes) -> Reply:
        """Send a request and wait for its answer.

        :raises OSError: there is none.
        """
        self.wire.sendall(request)
        while True:
            reply = self.receive()
            if reply is not None:
                return reply

    def receive(self) -> Reply | None:
        """Take what has come; None while the answer is not whole.

        :raises OSError: the other side has hung up.
        """
        chunk = self.wire.recv(_CHUNK)
        if not chunk:
            raise ConnectionError("The server has hung up.")
        self.held += chunk
        head, end, rest = self.held.partition(b"\r\n\r\n")
        if not end:
            return None
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line[:15].lower() == b"content-length:"), 0)
        if len(rest) < length:
            return None
        self.held = rest[length:]
        return Reply(int(head[9:12]), rest[:length])


def ask(port: int, probe: Probe) -> Reply:
    """Ask once over a connection of its own.

    :raises OSError: there is no answer.
    """
    with Connection(port) as connection:
        return connection.ask(probe.as_bytes())


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer of one process. asked_at, at: when it was asked and when it answered, on the monotonic clock."""

    name: str
    port: int
    asked_at: float
    at: float
    reply: Reply


@dataclass(slots=True, eq=False)
class _Line:
    name: str
    request: bytes
    connection: Connection
    asked_at: float = 0.0
    due_at: float = 0.0
    is_waiting: bool = False


class Watch:
    """Requests to several processes, again and again, each over a connection of its own.

    pause: seconds between an answer and the next request: how exactly an instant is found, and how much load it is.
    """

    def __init__(self, ports: Sequence[int], probes: Mapping[str, Probe], *, pause: float = 0.002) -> None:
        self._pause = pause
        self._lines = [
            _Line(name, probe.as_bytes(), Connection(port)) for name, probe in probes.items() for port in ports
        ]
        self._selector = selectors.DefaultSelector()
        for one in self._lines:
            self._selector.register(one.connection.wire, selectors.EVENT_READ, one)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()
        for one in self._lines:
            one.connection.wire.close()

    def look(self, *, seconds: float) -> Iterator[Seen]:
        """Ask each process a while after its last answer, and give every answer, until the time is over."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            for one in self._lines:
                if not one.is_waiting and one.due_at <= now:
                    one.is_waiting, one.asked_at = True, time.monotonic()
                    one.connection.wire.sendall(one.request)
            for key, _ in self._selector.select(min(self._pause, 0.005)):
                line: _Line = key.data
                reply = line.connection.receive()
                if reply is not None:
                    at = time.monotonic()
                    line.is_waiting, line.due_at = False, at + self._pause
                    yield Seen(line.name, line.connection.port, line.asked_at, at, reply)
