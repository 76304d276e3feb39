"""A server that answers what a test says, over real HTTP, and keeps what it was asked."""

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


class Said(NamedTuple):
    """One answer. body: bytes as they are; anything else as JSON; None: the connection is cut."""

    status: int
    body: Any
    headers: Mapping[str, str] = {}


type Answer = Callable[[Asked], Said]


class Answering:
    """Listens until it is closed."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[Asked] = []
        heard = self.asked

        class Handler(BaseHTTPRequestHandler):
            wbufsize = -1

            def _answer(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(self.command, self.path, dict(self.headers), json.loads(raw) if raw else None)
                heard.append(asked)
                said = answer(asked)
                if said.body is None:
                    self.close_connection = True
                    return
                body = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
                self.send_response(said.status)
                for name, value in {"Content-Length": str(len(body)), **said.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = _answer  # noqa: N815 - the library's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
