"""A webhook endpoint of the tests' own: it verifies as Stripe's library does, and remembers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import stripe

SECRET = "whsec_of_the_tests"


class Receiver:
    """What came in, in the order of its arrival. answers: statuses to give first; 200 when they are used up."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[str] = []
        self.answers: list[int] = []
        self.secret = SECRET
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/webhook"

    @property
    def events(self) -> list[stripe.Event]:
        """Every snapshot that came in, each verified."""
        return [
            stripe.Webhook.construct_event(body, header, self.secret)
            for body, header in zip(self.bodies, self.headers, strict=True)
        ]

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.headers.append(self.headers["Stripe-Signature"])
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                """Say nothing."""

        return Handler

    @contextmanager
    def running(self) -> Iterator["Receiver"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()
