"""A small HTTP/1.1 server for this machine alone: one thread to a connection, the connection kept."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

HOST = "127.0.0.1"
_LONGEST_LINE = 65_536
_MOST_HEADERS = 100
_WORDS_OF_A_REQUEST = 3
_MOST_BODY = 4_000_000


@dataclass(frozen=True, slots=True)
class Request:
    """What came in. headers: their names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes out."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class _Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        # Whoever goes away in the middle of a word is not waited for; what breaks in an answer is printed by the server.
        with contextlib.suppress(OSError):
            while (request := self._read()) is not None:
                server = self.server
                assert isinstance(server, Server)  # noqa: S101 - tells the type checker
                self._write(server.answer(request))
                if request.headers.get("connection", "").lower() == "close":
                    return

    def _read(self) -> Request | None:
        """Read a request; None at the end of the connection, or of patience with what comes over it."""
        words = self.rfile.readline(_LONGEST_LINE).decode("latin-1").split()
        if len(words) != _WORDS_OF_A_REQUEST:
            return None
        method, target, _version = words
        headers: dict[str, str] = {}
        while (header := self.rfile.readline(_LONGEST_LINE)) not in (b"\r\n", b"\n", b""):
            name, _, value = header.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
            if len(headers) > _MOST_HEADERS:
                return None
        told = headers.get("content-length") or "0"
        length = int(told) if told.isascii() and told.isdigit() else _MOST_BODY + 1
        if length > _MOST_BODY or "transfer-encoding" in headers:
            return None
        body = self.rfile.read(length) if length else b""
        path, _, query = target.partition("?")
        return Request(method, path, query, headers, body)

    def _write(self, answer: Answer) -> None:
        lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        lines += [f"Content-Length: {len(answer.body)}", "", ""]
        self.wfile.write("\r\n".join(lines).encode("latin-1") + answer.body)


class Server(socketserver.ThreadingTCPServer):
    """Listens on a port of this machine; 0 takes a free one."""

    allow_reuse_address = True
    daemon_threads = True
    # Whoever keeps a connection open is cut off at the end, not waited for.
    block_on_close = False
    request_queue_size = 256

    def __init__(self, port: int, answer: Callable[[Request], Answer]) -> None:
        self.answer = answer
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__((HOST, port), _Connection)
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.01}, name="stripe", daemon=True
        )

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port: int = self.server_address[1]
        return port

    def start(self) -> None:
        """Serve, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving, and cut off who is connected."""
        self.shutdown()
        self._thread.join()
        self.server_close()
        with self._guard:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        """Remember who is connected."""
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        """Forget who is not any more."""
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)
