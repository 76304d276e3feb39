"""Odd bytes on a connection: whole requests of no client's making, halves of some, and what is no HTTP at all."""

import json
import random
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from config.demo.ports import HOST
from tests.bad_input.odd import PATHS, bodies

_SECONDS: Final = 10.0
_MORE_SECONDS: Final = 0.02
_CHUNK: Final = 65536


@dataclass(frozen=True, slots=True)
class Told:
    """What came back on one connection. statuses: of every answer on it, in order."""

    statuses: tuple[int, ...]
    content: bytes


def send(port: int, content: bytes, *, wait: float = 1.0) -> Told:
    """Send bytes over a connection of their own, and read whatever comes back.

    wait: seconds for the first answer: a server may as well wait for the rest of a request.
    """
    heard = b""
    # It may hang up in the middle of what it does not want to read.
    with socket.create_connection((HOST, port), timeout=_SECONDS) as connection, suppress(OSError):
        connection.sendall(content)
        connection.settimeout(wait)
        while wait and (chunk := connection.recv(_CHUNK)):
            heard += chunk
            connection.settimeout(_MORE_SECONDS)
    return Told(statuses_of(heard), heard)


def statuses_of(heard: bytes) -> tuple[int, ...]:
    """Read the statuses of the answers on a connection."""
    return tuple(int(one[2:5]) for one in heard.split(b"HTTP/1.")[1:] if one[2:5].isdigit())


def request(
    content: bytes, *, secret: str, method: str = "POST", path: str = "/access/v1/evaluation", more: str = ""
) -> bytes:
    """Write a whole request, its length included."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n{more}\r\n"
    )
    return head.encode("utf-8", "surrogateescape") + content


def odd_requests(question: dict[str, Any], secret: str, drawn: random.Random) -> Iterator[bytes]:
    """Give requests without an end: odd bodies, paths, methods, lengths, headers and versions."""
    odd = bodies(question, drawn)
    whole = json.dumps(question).encode()
    while True:
        yield request(next(odd), secret=secret)
        yield request(whole, secret=secret, path=drawn.choice(PATHS))
        yield request(next(odd), secret=secret, path=drawn.choice(PATHS), method=drawn.choice(METHODS))
        yield request(whole, secret=secret, more=drawn.choice(HEADERS))
        yield request(whole, secret=drawn.choice(SECRETS))
        yield drawn.choice(shapes(whole, secret))


METHODS: Final = (
    "GET",
    "HEAD",
    "OPTIONS",
    "PUT",
    "DELETE",
    "PATCH",
    "TRACE",
    "CONNECT",
    "QUERY",
    "post",
    "POST",
    "X" * 500,
)
HEADERS: Final = (
    "X-Request-ID: " + "x" * 100_000 + "\r\n",
    "X-Request-ID: \u00e9\u00ff\r\n",
    "X-Request-ID: a\tb\r\nX-Request-ID: c\r\n",
    "".join(f"X-{number}: {number}\r\n" for number in range(200)),
    "Cookie: " + "tiergate=%00;" * 500 + "\r\n",
    "Host: evil.example\r\n",
    "X-Forwarded-For: " + "1.2.3.4, " * 2_000 + "x\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\n",
    "Authorization: Bearer x\r\n",
    "Authorization: Basic Og==\r\n",
    "Content-Type: text/plain\r\n",
    "Content-Encoding: gzip\r\n",
    "Expect: 100-continue\r\n",
    "Expect: 200-never\r\n",
    "Connection: close, upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n",
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n",
    "Accept: \u0000\r\n",
    "\u00e9: x\r\n",
    " folded: x\r\n",
    "no colon\r\n",
    "Traceparent: 00-zz-00-00\r\nTracestate: \u00ff\r\n",
)
SECRETS: Final = (
    *(
        "",
        " ",
        "x",
        "tgk_",
        "tgk_" + "0" * 32 + "_" + "A" * 43,
        "tgk_" + "f" * 32,
        "\u00e9",
        "\udc80\udcff",
        "x" * 60_000,
    ),
    *("tgk_" + "g" * 32 + "_" + "A" * 43, "tgs_" + "0" * 32 + "_" + "A" * 43, "a\tb", "a b", "'; --"),
)


def shapes(whole: bytes, secret: str) -> list[bytes]:
    """List what is wrong with HTTP itself: lengths, chunks, versions, pipelines, and two requests in one."""
    head = f"POST /access/v1/evaluation HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\n".encode()
    head += b"Content-Type: application/json\r\n"
    good = head + b"Content-Length: %d\r\n\r\n" % len(whole) + whole
    chunks = b"%x\r\n" % len(whole) + whole + b"\r\n0\r\n\r\n"
    hidden = b"POST /access/v1/evaluation HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
    lengths = (
        b"-1",
        b"0",
        b"1",
        b"+5",
        b"0x10",
        b"1e3",
        b"9" * 30,
        b"99999999",
        b"",
        b"5, 5",
        b"5, 6",
        b" 5 ",
        b"\xd9\xa1",
    )
    return [
        *(head + b"Content-Length: " + one + b"\r\n\r\n" + whole for one in lengths),
        head + b"\r\n" + whole,
        head + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + whole,
        head + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n" % len(whole) + chunks + hidden,
        head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
        head + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + chunks,
        head + b"Transfer-Encoding: xchunked\r\n\r\n" + chunks,
        head + b"Transfer-Encoding : chunked\r\n\r\n" + chunks,
        head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks,
        head + b"Transfer-Encoding: chunked\r\n\r\n" + b"fffffffff\r\n" + whole,
        head + b"Transfer-Encoding: chunked\r\n\r\n" + b"-1\r\n" + whole,
        head + b"Transfer-Encoding: chunked\r\n\r\n" + b"1;" + b"x" * 100_000 + b"\r\n{\r\n0\r\n\r\n",
        good * 50,
        good + b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + good,
        good.replace(b"HTTP/1.1", b"HTTP/1.0", 1),
        good.replace(b"HTTP/1.1", b"HTTP/9.9", 1),
        good.replace(b"HTTP/1.1\r\nHost: localhost", b"HTTP/1.1", 1),
        good.replace(b"\r\n", b"\n"),
        b"POST /access/v1/evaluation\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00" * 100,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500,
        b"\x00" * 10_000,
        b"\xff" * 10_000,
        b"GET " + b"/" * 1_000_000 + b" HTTP/1.1\r\n\r\n",
        b"A" * 1_000_000,
        b"\r\n" * 1_000,
        head[: len(head) // 2],
        head + b"Content-Length: 500\r\n\r\n" + whole[:20],
        head + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    ]
