"""A real server is sent what it should not be sent: it fails nobody, dies of nothing, grows by little, and serves on."""

import json
import os
import secrets
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
import redis
from pytest_django import DjangoDbBlocker

from bench.changes import Site, put_catalogue, put_site
from bench.deciders import Deciders, deciding
from bench.probes import Connection, Probe
from bench.seed_large import close_connections
from bench.steady import Heard, steady
from config.demo.children import living
from tests.bad_input.odd import seeded
from tests.bad_input.raw import odd_requests, request, send, shapes
from tests.rows import Worlds

pytestmark = [pytest.mark.storm, pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")]

SENT = 600
GARBAGE = 1_500
GROWS_BY = 32 * 1024 * 1024
"""Bytes: what allocators keep, and caches that are bounded; what is sent at length is three times as much."""


@pytest.fixture(scope="module")
def running(rows_of_tests: Worlds, valkey: redis.Redis, django_db_blocker: DjangoDbBlocker) -> Iterator[Deciders]:
    """Run one decide process for all tests of this file."""
    from licensing import api as licensing  # noqa: PLC0415 - not before the settings are read

    rows_of_tests.begin()
    valkey.flushdb()
    licensing.forget_snapshots()
    licensing.forget_tenants()
    with django_db_blocker.unblock():
        try:
            put_catalogue()
            with deciding(1) as deciders:
                yield deciders
        finally:
            licensing.stop_listening()
            close_connections()


@pytest.fixture
def site(running: Deciders, request: pytest.FixtureRequest) -> Site:
    """Make a tenant of the test's own."""
    return put_site(f"door-{secrets.token_hex(4)}")


@pytest.fixture
def others(running: Deciders, site: Site) -> Iterator[Heard]:
    """Have somebody else ask properly all the while: they get all their answers, from processes that live on."""
    before = workers(running)
    port = running.ports
    probes = [site.probe("both.read", "alice", site.signed_in("alice").handle)]
    with steady(port, probes, rate=50) as heard:
        yield heard
    # With `-s`, or where a test fails; no figure of a shared machine is asserted.
    print(f"the others: p50 {heard.percentile(0.5):.1f} ms, p99 {heard.percentile(0.99):.1f} ms of {len(heard.late)}")  # noqa: T201
    running.refuse_dead()
    assert workers(running) == before, "a process died and was replaced"
    assert heard.failed == 0
    assert set(heard.words) == {"allow"}, heard.words


def workers(running: Deciders) -> set[int]:
    """List the processes of the server."""
    return set(living([running.children[0].process.pid]))


def resident(running: Deciders) -> int:
    """Add up the memory of the server's processes, in bytes."""
    pages = (int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in workers(running))
    return sum(pages) * os.sysconf("SC_PAGE_SIZE")


def test_nothing_odd_at_all(running: Deciders, site: Site, others: Heard) -> None:
    """For comparison: how others are served while somebody else asks properly too."""
    content = request(
        json.dumps(site.question("both.read", "alice", site.signed_in("alice").handle)).encode(), secret=site.secret
    )
    for _ in range(SENT):
        assert send(running.ports[0], content).statuses == (200,)


def test_odd_requests_are_no_failure(running: Deciders, site: Site, others: Heard) -> None:
    question = site.question("both.read", "alice", site.signed_in("alice").handle, environment="production")
    drawn = seeded("the door")
    seen: set[int] = set()
    for content in islice(odd_requests(question, site.secret, drawn), SENT):
        told = send(running.ports[0], content)
        seen.update(told.statuses)
        assert all(status < 500 for status in told.statuses), (told, content[:2000])
    assert {200, 400, 401, 404, 405} <= seen


def test_odd_http_is_no_failure(running: Deciders, site: Site, others: Heard) -> None:
    whole = json.dumps(site.question("both.read", "alice", site.signed_in("alice").handle)).encode()
    for content in shapes(whole, site.secret):
        told = send(running.ports[0], content)
        assert all(status < 500 for status in told.statuses), (told, content[:2000])
        send(running.ports[0], content, wait=0)


def test_of_two_requests_in_one_no_more_is_answered_than_was_asked(running: Deciders, site: Site) -> None:
    """A length and chunks at once: a proxy might go by the one and we by the other."""
    whole = json.dumps(site.question("both.read", "alice", site.signed_in("alice").handle)).encode()
    both = [one for one in shapes(whole, site.secret) if b"Content-Length" in one and b"Transfer-Encoding" in one]
    assert len(both) == 2
    for content in both:
        told = send(running.ports[0], content)
        assert 200 not in told.statuses[1:], told
        assert len(told.statuses) <= 2


def test_half_requests_hold_up_nobody(running: Deciders, site: Site, others: Heard) -> None:
    whole = json.dumps(site.question("both.read", "alice", site.signed_in("alice").handle)).encode()
    halves = []
    for number in range(60):
        connection = Connection(running.ports[0])
        secret = (site.secret, "nobody's")[number % 2]
        content = request(whole, secret=secret)
        connection.wire.sendall(content[: len(content) - 1 - number % (len(content) - 50)])
        halves.append(connection)
    with Connection(running.ports[0]) as proper:
        for _ in range(50):
            assert proper.ask(request(whole, secret=site.secret)).status == 200
    for one in halves:
        one.wire.close()


@pytest.mark.parametrize("kind", ["sessions", "tenants", "subjects", "credentials", "numbers", "hosts", "spellings"])
def test_nobody_fills_the_memory(running: Deciders, site: Site, others: Heard, kind: str) -> None:
    """Whatever is remembered is bounded, and garbage is not remembered at all."""
    with Connection(running.ports[0]) as kept:
        for _ in range(200):
            sent = garbage(site, kind)
            send(running.ports[0], sent) if kind == "hosts" else kept.ask(sent)
        before = resident(running)
        for _ in range(GARBAGE // (4 if kind == "hosts" else 1)):
            sent = garbage(site, kind)
            # Django answers those, in pieces.
            statuses = send(running.ports[0], sent).statuses if kind == "hosts" else (kept.ask(sent).status,)
            assert set(statuses) <= {200, 400, 401}, statuses
    grown = resident(running) - before
    print(f"{kind}: grown by {grown / 1e6:.1f} MB")  # noqa: T201 - as above
    assert grown < GROWS_BY, f"{grown / 1e6:.0f} MB"


def garbage(site: Site, kind: str) -> bytes:
    """Write a request that names something that nobody has named before, at length."""
    name = secrets.token_hex(16) + "x" * 60_000
    question = site.question("both.read", "alice", "ses_" + secrets.token_hex(16))
    match kind:
        case "sessions":
            question["context"]["session"] = name
        case "tenants":
            question["context"]["tenant"] = name
        case "subjects":
            question["subject"]["id"] = name[:900]
        case "credentials":
            return Probe(secret="tgk_" + name, document=question).as_bytes()
        case "numbers":
            digits = f"{1 + secrets.randbits(64)}{'7' * 100_000}"
            content = json.dumps(question | {"more": 4711}).replace("4711", digits).encode()
            return request(content, secret=site.secret)
        case "hosts":
            content = json.dumps(question).encode()
            return request(content, secret=site.secret).replace(b"Host: localhost", b"Host: %s" % name.encode(), 1)
        case "spellings":
            number = secrets.randbelow(60_000)
            question["context"]["tenant"] = "-" * number + str(site.id) + "-" * (60_000 - number)
    return request(json.dumps(question).encode(), secret=site.secret)
