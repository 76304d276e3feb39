"""Odd requests, drawn from a seed: what no client of ours would send, and what might slip past a reader of JSON."""

import json
import os
import random
from collections.abc import Callable, Iterator
from typing import Any, Final

DIGITS: Final = 100_000
LITERALS: Final[tuple[bytes, ...]] = (
    *(b"null", b"true", b"0", b"-1", b"1.5", b'""', b"[]", b"{}", b'"x"', b'["alice"]', b'{"id": "alice"}'),
    *(b"NaN", b"-Infinity", b"Infinity", b"nan", b"1e999", b"-1e999", b"1e-999", b"01", b"1.", b".5", b"+1", b"0x10"),
    *(b"1" + b"0" * 30, b"9" * 400, b"1" + b"0" * 5000, b"-" + b"9" * DIGITS, b"0." + b"1" * DIGITS, b"1e400"),
    *(b'"\\ud800"', b'"\\udfff\\ud800"', b'"\\u0000"', b'"a\\u0000b"', b'"\\x"', b'"\\u12"', b'"\\"', b'"a\nb"'),
    *(b'"\xff\xfe"', b'"\xed\xa0\x80"', b'"\xc0\xaf"', b'"\x00"', b'"\x01"', b'"\xe2\x80\xaealice"', b"'x'"),
    *(b'"' + b"x" * 100_000 + b'"', b"[" * 70 + b"]" * 70, b"[" * 10_000 + b"]" * 10_000, b"[1,]", b'{"a":1,}'),
    *(b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b'{"a":1,"a":2}', b"undefined", b"", b" ", b"/**/1", b"1 2"),
)
PATHS: Final = (
    *(
        "/access/v1/evaluation",
        "/access/v1/evaluations",
        "/t/acme/access/v1/evaluation",
        "/t/globex/access/v1/evaluations",
    ),
    *(
        "/t/%00/access/v1/evaluation",
        "/t/acme%2Faccess/v1/evaluation",
        "//access/v1/evaluation",
        "/access//v1/evaluation",
    ),
    *("/access/v1/evaluation/", "/access/v1/../v1/evaluation", "/access/v1/%65valuation", "/t/../access/v1/evaluation"),
    *(
        "/t//access/v1/evaluation",
        "/t/acme/../globex/access/v1/evaluation",
        "/access/v1/evaluation%00",
        "/access/v1/evaluation;a=b",
    ),
    *(
        "/access/v1/evaluation?tenant=globex&a=%00",
        "/t/" + "x" * 5000 + "/access/v1/evaluation",
        "/t/%ED%A0%80/access/v1/evaluation",
    ),
    *(
        "/.well-known/authzen-configuration",
        "/livez",
        "/access/v1/",
        "/t/acme",
        "/%",
        "/t/acme\u00e9/access/v1/evaluation",
    ),
)


def seeded(name: str) -> random.Random:
    """Draw the same each time, as the laws do, or something new where it is explored; a failure is printed with the seed."""
    seed = f"{name} {os.urandom(8).hex()}" if os.environ.get("HYPOTHESIS_PROFILE") == "explore" else name
    print(f"seed: {seed!r}")  # noqa: T201 - pytest shows it where a test fails
    return random.Random(seed)  # noqa: S311 - draws inputs, no secrets


def bodies(question: dict[str, Any], drawn: random.Random) -> Iterator[bytes]:
    """Give odd versions of a question without an end: changed in one to three places."""
    changes: tuple[Callable[[bytes, random.Random], bytes], ...] = (
        *(put_literal, put_literal, put_literal, put_twice, put_twice, put_new, put_new),
        *(cut_off, put_bytes, put_before, put_after, escape_a_letter, take_away),
    )
    whole = json.dumps(question).encode()
    while True:
        body = whole
        for _ in range(drawn.randint(1, 3)):
            body = drawn.choice(changes)(body, drawn)
        yield body


def put_literal(body: bytes, drawn: random.Random) -> bytes:
    """Put something odd in the place of a text."""
    places = texts(body)
    if not places:
        return body
    start, end = drawn.choice(places)
    return body[:start] + drawn.choice(LITERALS) + body[end:]


def put_twice(body: bytes, drawn: random.Random) -> bytes:
    """Give a member twice, the one time or the other with something else: another tenant, another session."""
    names = [(start, end) for start, end in texts(body) if body[end : end + 1] == b":"]
    if not names:
        return body
    start, end = drawn.choice(names)
    value = drawn.choice(
        (*LITERALS, b'"globex"', b'"acme"', b'"mallory"', b'"enforce"', b'"display"', b'"ses_' + b"0" * 32 + b'"')
    )
    return body[:start] + body[start:end] + b":" + value + b"," + body[start:]


def put_new(body: bytes, drawn: random.Random) -> bytes:
    """Add a member: one that is known elsewhere, or that nobody knows."""
    braces = [at for at, one in enumerate(body) if one == ord("{")]
    if not braces:
        return body
    at = drawn.choice(braces) + 1
    name = drawn.choice(
        (
            *(b"tenant", b"session", b"purpose", b"min_snapshot", b"environment", b"properties", b"id", b"evaluations"),
            *(b"options", b"decision", b"amount", b"__proto__", b"\xff", b"\\ud800", b"", b"x"),
        )
    )
    comma = b"" if body[at : at + 1] == b"}" else b","
    return body[:at] + b'"' + name + b'":' + drawn.choice(LITERALS) + comma + body[at:]


def cut_off(body: bytes, drawn: random.Random) -> bytes:
    """End it early."""
    return body[: drawn.randint(0, len(body))]


def put_bytes(body: bytes, drawn: random.Random) -> bytes:
    """Put some bytes anywhere."""
    at = drawn.randint(0, len(body))
    return body[:at] + drawn.randbytes(drawn.randint(1, 4)) + body[at:]


def put_before(body: bytes, drawn: random.Random) -> bytes:
    """Put before it what may or may not stand there."""
    return drawn.choice((b" ", b"\n\t", b"\xef\xbb\xbf", b"\x00", b"[", b"{", b"\xfe\xff", b")]}',\n")) + body


def put_after(body: bytes, drawn: random.Random) -> bytes:
    """Put after it what may or may not stand there."""
    return body + drawn.choice((b" " * 1000, b"\n", b"\x00", b"]", b"}", b"{}", b"//", b" " * 300_000))


def escape_a_letter(body: bytes, drawn: random.Random) -> bytes:
    """Write a letter of a text as an escape, which means the same."""
    places = [(start, end) for start, end in texts(body) if end - start > 2 and b"\\" not in body[start:end]]
    if not places:
        return body
    start, _end = drawn.choice(places)
    return body[: start + 1] + b"\\u%04x" % body[start + 1] + body[start + 2 :]


def take_away(body: bytes, drawn: random.Random) -> bytes:
    """Leave out a byte."""
    if not body:
        return body
    at = drawn.randrange(len(body))
    return body[:at] + body[at + 1 :]


def texts(body: bytes) -> list[tuple[int, int]]:
    """Find the quoted texts, as far as it is JSON at all; of a long one the beginning is enough."""
    found: list[tuple[int, int]] = []
    at = 0
    while len(found) < 60 and (start := body.find(b'"', at)) >= 0 and (end := body.find(b'"', start + 1)) > 0:
        found.append((start, end + 1))
        at = end + 1
    return found
