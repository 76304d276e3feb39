"""Clients that take their time: some never finish their headers, some never finish their bodies."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Final

from config.demo.ports import HOST

_EVERY_SECONDS: Final = 0.25
_PATH: Final = "/access/v1/evaluation"


@contextmanager
def slow_clients(port: int, *, headers: int, bodies: int, secret: str) -> Iterator[None]:
    """Keep so many connections open that send a byte of their headers now and then, and so many that stall in a body."""
    ended = Event()
    dribbling = [_opened(port) for _ in range(headers)]
    stalling = [_opened(port) for _ in range(bodies)]
    begin = f"POST {_PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\n".encode()
    body = json.dumps({"subject": {"type": "user", "id": "steady0"}, "action": {"name": "reports.use"}}).encode()
    for one in stalling:
        one.sendall(begin + b"Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n" + body)
    for one in dribbling:
        one.sendall(begin + b"X-Slow: ")

    def dribble() -> None:
        while not ended.wait(_EVERY_SECONDS):
            for one in [*dribbling, *stalling[::2]]:
                with suppress(OSError):
                    one.send(b"x")

    thread = Thread(target=dribble, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        for one in [*dribbling, *stalling]:
            one.close()


def _opened(port: int) -> socket.socket:
    return socket.create_connection((HOST, port), timeout=5)
