"""A receiver of webhooks on this machine, which answers as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, kw_only=True)
class Received:
    """One message as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(kw_only=True)
class Receiver:
    """What came, and what is answered: the statuses in turn, then 204.

    waits_for: what an answer waits for, eight seconds at most, as whoever sends waits for ten; waited: whether it came. tells: after so many messages.
    """

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    location: str = ""
    retry_after: str = ""
    received: list[Received] = field(default_factory=list)
    waits_for: threading.Event | None = None
    waited: list[bool] = field(default_factory=list)
    tells: tuple[int, threading.Event] | None = None


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.received.append(
                Received(path=self.path, headers={k.lower(): v for k, v in self.headers.items()}, body=body)
            )
            if receiver.tells is not None and len(receiver.received) >= receiver.tells[0]:
                receiver.tells[1].set()
            if receiver.waits_for is not None:
                receiver.waited.append(receiver.waits_for.wait(8))
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
            if receiver.location:
                self.send_header("location", receiver.location)
            if receiver.retry_after:
                self.send_header("retry-after", receiver.retry_after)
            self.end_headers()

        do_GET = do_POST  # noqa: N815 - the name that the server looks for

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hooks"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
