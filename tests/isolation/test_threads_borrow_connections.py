"""Threads that borrow connections for one statement each serve their own tenant, and give everything back."""

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connections

from isolation import borrowed
from isolation.api import global_row, tenant_row, tenant_transaction
from tests.isolation.sides import World

pytestmark = pytest.mark.django_db

_LENT = "lent"
_WHOSE = "current_setting('app.tenant_id'), pg_backend_pid()::text"


@pytest.fixture
def lent(world: World) -> Iterator[str]:
    """Name an alias of the app's role that lends three connections out of a pool of six."""
    found = connections.settings["default"]
    pool = {"min_size": 1, "max_size": 6, "timeout": 5}
    connections.settings[_LENT] = {**found, "OPTIONS": {**found["OPTIONS"], "pool": pool}}
    yield _LENT
    for one in lender()._idle:
        one.close()
    borrowed._lenders.clear()
    connections[_LENT].close()
    connections[_LENT].close_pool()  # type: ignore[attr-defined]  # of PostgreSQL's own wrapper
    del connections[_LENT]
    del connections.settings[_LENT]


def lender() -> borrowed.Lender:
    found = borrowed.lender(_LENT)
    assert found is not None
    return found


def test_each_thread_is_served_as_its_own_tenant_over_few_connections(world: World, lent: str) -> None:
    together, sides = threading.Barrier(8), (world.acme, world.globex) * 4

    def ask(side: Any) -> list[tuple[bool, str]]:
        together.wait()
        asked = [tenant_row(side.tenant_id, _WHOSE, [], using=lent) for _ in range(25)]
        return [(whose == str(side.tenant_id), process) for whose, process in asked]

    with ThreadPoolExecutor(8) as threads:
        found = [each for one in threads.map(ask, sides) for each in one]
    assert len(found) == 200
    assert all(is_own for is_own, _process in found)
    assert len({process for _is_own, process in found}) <= lender().count


def test_a_borrowed_connection_names_nobody_afterwards(world: World, lent: str) -> None:
    tenant_row(world.acme.tenant_id, _WHOSE, [], using=lent)
    assert len(lender()._idle) == 1
    (named,) = global_row("nullif(current_setting('app.tenant_id', true), '')", [], using=lent)
    assert named is None


def test_a_connection_that_was_lost_is_made_anew_for_the_next(
    world: World, lent: str, superuser: psycopg.Connection
) -> None:
    (process,) = global_row("pg_backend_pid()::text", [], using=lent)
    superuser.execute("SELECT pg_terminate_backend(%s, 60000)", [int(process)])
    with pytest.raises(OperationalError):
        global_row("pg_backend_pid()::text", [], using=lent)
    (another,) = global_row("pg_backend_pid()::text", [], using=lent)
    assert another != process
    assert len(lender()._idle) == 1


def test_who_is_interrupted_leaves_no_answer_to_the_next(lent: str) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def ask() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        global_row("'asked', pg_sleep(60)::text", [], using=lent)

    # To connect may take longer than it is until the interruption, which is to come while the answer is waited for.
    global_row("'x'", [], using=lent)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            ask()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert global_row("'x'", [], using=lent) == ["x"]


def test_a_restarted_database_fails_one_statement_and_not_one_for_each_connection(
    world: World, lent: str, superuser: psycopg.Connection
) -> None:
    together = threading.Barrier(lender().count)

    def hold(_number: int) -> str:
        with lender().lent() as connection, connection.cursor() as cursor:
            together.wait(60)
            cursor.execute("SELECT pg_backend_pid()")
            return str(cursor.fetchone()[0])

    with ThreadPoolExecutor(lender().count) as threads:
        processes = list(threads.map(hold, range(lender().count)))
    for process in processes:
        superuser.execute("SELECT pg_terminate_backend(%s, 60000)", [int(process)])
    with pytest.raises(OperationalError):
        global_row("'x'", [], using=lent)
    assert global_row("'x'", [], using=lent) == ["x"]
    with ThreadPoolExecutor(lender().count) as threads:
        assert not set(threads.map(hold, range(lender().count))) & set(processes)


def test_who_finds_every_connection_lent_hears_so_when_patience_ends(
    lent: str,
) -> None:
    lender()._patience = 0.05
    held = [lender().lent() for _ in range(lender().count)]
    for one in held:
        one.__enter__()
    try:
        with pytest.raises(OperationalError, match="in use"):
            global_row("'x'", [], using=lent)
    finally:
        for one in held:
            one.__exit__(None, None, None)
    assert global_row("'x'", [], using=lent) == ["x"]


def test_within_a_transaction_its_own_connection_is_asked(world: World, lent: str) -> None:
    """What the transaction has written would not be seen from another one."""
    with tenant_transaction(world.acme.tenant_id, using=lent):
        tenant_row(world.acme.tenant_id, _WHOSE, [], using=lent)
    assert not lender()._idle
