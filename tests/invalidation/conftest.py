"""Four real decide processes on the test's own database, under a load, with Valkey behind a link that can be cut."""

from collections.abc import Iterator

import pytest
import redis
from pytest_django import DjangoDbBlocker

from bench.changes import put_catalogue, put_site
from bench.deciders import Deciders, deciding
from bench.seed_large import close_connections
from bench.steady import steady
from tests.rows import Worlds

PROCESSES = 4


@pytest.fixture(scope="module")
def running(rows_of_tests: Worlds, valkey: redis.Redis, django_db_blocker: DjangoDbBlocker) -> Iterator[Deciders]:
    """Run the processes for all tests of a file: each makes tenants of its own, and takes nobody's away."""
    from licensing import api as licensing  # noqa: PLC0415 - not before the settings are read

    rows_of_tests.begin()
    valkey.flushdb()
    licensing.forget_snapshots()
    licensing.forget_tenants()
    with django_db_blocker.unblock():
        try:
            put_catalogue()
            with deciding(PROCESSES) as deciders:
                yield deciders
        finally:
            licensing.stop_listening()
            close_connections()


@pytest.fixture
def under_load(running: Deciders, request: pytest.FixtureRequest) -> Iterator[Deciders]:
    """Ask each process thirty times a second while a test runs; the channel is whole again after it."""
    site = put_site(f"load-{abs(hash(request.node.name)) % 10**9}")
    probes = [site.probe("both.read", "alice", site.signed_in("alice").handle)]
    try:
        with steady(running.ports, probes, rate=30) as heard:
            yield running
    finally:
        running.link.mend()
    running.refuse_dead()
    assert heard.late, "nothing was answered beside the test"
    assert heard.words.keys() <= {"allow", "503"}, heard.words
