"""One connection serves one tenant after another, from a real pool: nothing of the first is there for the second.

The pool here has one connection, so that each transaction surely comes by the one before's. The settings turn the pool
off for tests; production has it.
"""

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from contextvars import copy_context
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, connection, connections, transaction

from config.embedded import paths, roles
from config.embedded.processes import wait_until
from isolation.api import CrossTenantError, current_tenant_id, tenant_transaction
from isolation.roles import TENANT_SETTING
from licensing.models import Member, Role
from tests.isolation.sides import World

pytestmark = pytest.mark.django_db
POOLED = "pooled"


@pytest.fixture
def pooled(world: World) -> Iterator[str]:
    """Name an alias of the app's role whose connections come from a pool of one."""
    found = connections.settings["default"]
    connections.settings[POOLED] = {
        **found,
        "OPTIONS": {**found["OPTIONS"], "pool": {"min_size": 1, "max_size": 1, "timeout": 5}},
    }
    yield POOLED
    connections[POOLED].close()
    connections[POOLED].close_pool()  # type: ignore[attr-defined]  # of PostgreSQL's own wrapper
    del connections[POOLED]
    del connections.settings[POOLED]


def given_back() -> None:
    """End a request: the connection goes to the pool, and the next one takes it out again."""
    connections[POOLED].close()


def backend() -> int:
    with connections[POOLED].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        found: int = cursor.fetchone()[0]
    return found


def whose() -> set[Any]:
    return set(Member.objects.using(POOLED).values_list("tenant_id", flat=True))


def run(statement: str, *named: Any) -> Any:
    with connections[POOLED].cursor() as cursor:
        cursor.execute(statement, named or None)
        return cursor.fetchall() if cursor.description else None


class _Broken(BaseException):
    """As KeyboardInterrupt and SystemExit are: nothing that `except Exception` would catch."""


def _raises(world: World) -> None:
    with suppress(RuntimeError), tenant_transaction(world.acme.tenant_id, using=POOLED):
        assert whose() == {world.acme.tenant_id}
        raise RuntimeError


def _raises_what_nobody_catches(world: World) -> None:
    with suppress(_Broken), tenant_transaction(world.acme.tenant_id, using=POOLED):
        assert whose()
        raise _Broken


def _rolls_back(world: World) -> None:
    with tenant_transaction(world.acme.tenant_id, using=POOLED):
        assert whose()
        transaction.set_rollback(True, using=POOLED)


def _fails_in_the_database(world: World) -> None:
    with suppress(DatabaseError), tenant_transaction(world.acme.tenant_id, using=POOLED):
        run("SELECT 1 / 0")


def _fails_and_goes_on(world: World) -> None:
    with tenant_transaction(world.acme.tenant_id, using=POOLED):
        with suppress(DatabaseError), transaction.atomic(using=POOLED):
            run("SELECT 1 / 0")
        assert whose() == {world.acme.tenant_id}


def _is_cancelled(world: World) -> None:
    with suppress(OperationalError), tenant_transaction(world.acme.tenant_id, using=POOLED):
        run("SET LOCAL statement_timeout = '20ms'")
        run("SELECT pg_sleep(30)")


def _is_cancelled_from_outside(world: World) -> None:
    with suppress(OperationalError), tenant_transaction(world.acme.tenant_id, using=POOLED):
        raw, process = connections[POOLED].connection, backend()

        def cancel() -> None:
            # Not before it sleeps: what comes sooner cancels nothing.
            with roles.superuser_connection(paths.database_name()) as watcher:
                asleep = "SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = %s"
                assert wait_until(lambda: watcher.execute(asleep, [process]).fetchone() == (True,), seconds=20)
            raw.cancel()

        threading.Thread(target=cancel).start()
        run("SELECT pg_sleep(30)")


def _nests_savepoints(world: World) -> None:
    acme = world.acme.tenant_id
    with tenant_transaction(acme, using=POOLED):
        with suppress(RuntimeError), tenant_transaction(acme, using=POOLED):
            with suppress(DatabaseError), tenant_transaction(acme, using=POOLED):
                run("SELECT 1 / 0")
            assert whose() == {acme}
            raise RuntimeError
        assert whose() == {acme}
        assert current_tenant_id(using=POOLED) == acme


def _is_within_another(world: World) -> None:
    with transaction.atomic(using=POOLED):
        for side in (world.acme, world.globex, world.acme):
            with suppress(RuntimeError), tenant_transaction(side.tenant_id, using=POOLED):
                assert whose() == {side.tenant_id}
                if side is world.globex:
                    raise RuntimeError
            with pytest.raises(DatabaseError), transaction.atomic(using=POOLED):
                whose()


def _snapshots(world: World) -> None:
    with tenant_transaction(world.acme.tenant_id, using=POOLED, snapshot=True):
        assert whose()


def _generates(world: World) -> None:
    def rows() -> Generator[Any]:
        with tenant_transaction(world.acme.tenant_id, using=POOLED):
            yield from Member.objects.using(POOLED).iterator(chunk_size=1)

    with closing(rows()) as left_half_way:
        assert next(left_half_way).tenant_id == world.acme.tenant_id
        with pytest.raises(CrossTenantError), tenant_transaction(world.globex.tenant_id, using=POOLED):
            pass


def _prepares(world: World) -> None:
    with tenant_transaction(world.acme.tenant_id, using=POOLED):
        run("PREPARE of_mine AS SELECT tenant_id FROM licensing_member")
        for _ in range(7):  # the sixth may be planned for good
            assert {row[0] for row in run("EXECUTE of_mine")} == {world.acme.tenant_id}


def _prepares_in_the_driver(world: World) -> None:
    connections[POOLED].ensure_connection()
    for side in (world.acme, world.globex) * 6:
        with tenant_transaction(side.tenant_id, using=POOLED):
            raw = connections[POOLED].connection
            found = raw.execute(
                "SELECT tenant_id FROM licensing_member WHERE active = %s", [True], prepare=True
            ).fetchall()
            assert {row[0] for row in found} == {side.tenant_id}


def _commits_by_hand(world: World) -> None:
    with suppress(DatabaseError), tenant_transaction(world.acme.tenant_id, using=POOLED):
        run("COMMIT")
        with pytest.raises(DatabaseError):
            whose()


def _listens(world: World) -> None:
    with tenant_transaction(world.acme.tenant_id, using=POOLED):
        run("LISTEN everything")


ENDS: list[Callable[[World], None]] = [
    _raises,
    _raises_what_nobody_catches,
    _rolls_back,
    _fails_in_the_database,
    _fails_and_goes_on,
    _is_cancelled,
    _is_cancelled_from_outside,
    _nests_savepoints,
    _is_within_another,
    _snapshots,
    _generates,
    _prepares,
    _prepares_in_the_driver,
    _commits_by_hand,
    _listens,
]


@pytest.mark.parametrize("end", ENDS, ids=lambda one: one.__name__.strip("_"))
@pytest.mark.parametrize("way", ["kept", "through the pool"])
def test_however_a_transaction_ends_the_next_sees_its_own_tenant_alone(
    world: World, pooled: str, end: Callable[[World], None], way: str
) -> None:
    first = backend()
    end(world)
    if way == "through the pool":
        given_back()
    assert backend() == first, "this was meant to be the very connection"
    assert current_tenant_id(using=pooled) is None
    assert run(f"SELECT coalesce(current_setting('{TENANT_SETTING}', true), '')") == [("",)]
    with pytest.raises(DatabaseError):
        whose()
    with tenant_transaction(world.globex.tenant_id, using=pooled):
        assert whose() == {world.globex.tenant_id}
        assert not Role.objects.using(pooled).filter(key=world.acme.role).exists()
    with pytest.raises(DatabaseError):
        whose()


def test_a_statement_prepared_for_one_tenant_serves_the_next_its_own_rows(world: World, pooled: str) -> None:
    with tenant_transaction(world.acme.tenant_id, using=pooled):
        run("PREPARE members AS SELECT tenant_id FROM licensing_member")
        run("SET LOCAL plan_cache_mode = force_generic_plan")
        assert {row[0] for row in run("EXECUTE members")} == {world.acme.tenant_id}
    given_back()
    with tenant_transaction(world.globex.tenant_id, using=pooled):
        assert {row[0] for row in run("EXECUTE members")} == {world.globex.tenant_id}
    with pytest.raises(DatabaseError):
        run("EXECUTE members")


def test_a_connection_that_dies_in_a_transaction_is_replaced_by_one_that_serves_nobody(
    world: World, pooled: str, superuser: psycopg.Connection
) -> None:
    dead = backend()
    with suppress(OperationalError, InterfaceError), tenant_transaction(world.acme.tenant_id, using=pooled):
        assert whose()
        superuser.execute("SELECT pg_terminate_backend(%s, 5000)", [dead])
        whose()
    assert current_tenant_id(using=pooled) is None
    given_back()
    assert backend() != dead
    with pytest.raises(DatabaseError):
        whose()
    with tenant_transaction(world.globex.tenant_id, using=pooled):
        assert whose() == {world.globex.tenant_id}


def test_a_thread_has_no_part_in_its_makers_transaction(world: World, pooled: str) -> None:
    """Not even one that inherits what the maker knows: it has a connection of its own, which serves nobody."""
    seen: list[Any] = []

    def look() -> None:
        try:
            seen.append(set(Member.objects.values_list("tenant_id", flat=True)))
        except DatabaseError:
            seen.append("refused")
        finally:
            connections.close_all()

    with tenant_transaction(world.acme.tenant_id):
        assert Member.objects.exists()
        for task in (look, lambda: copy_context().run(look)):
            thread = threading.Thread(target=task)
            thread.start()
            thread.join()
        context = copy_context()
        heir = threading.Thread(target=lambda: context.run(look))
        heir.start()
        heir.join()
    assert seen == ["refused"] * 3


def test_threads_that_share_a_pool_each_see_their_own_tenant(world: World, pooled: str) -> None:
    wrong: list[Any] = []

    def serve(tenant_id: Any) -> None:
        try:
            for turn in range(15):
                with suppress(ZeroDivisionError), tenant_transaction(tenant_id, using=POOLED):
                    if whose() != {tenant_id}:
                        wrong.append(tenant_id)
                    _ = 1 // (turn % 3)
                given_back()
        except Exception as error:  # noqa: BLE001 - told by the assertion
            wrong.append(error)
        finally:
            connections.close_all()

    connections[POOLED].close()
    both = [threading.Thread(target=serve, args=[side.tenant_id]) for side in (world.acme, world.globex) * 2]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert wrong == []


def test_what_outlives_a_transaction_cannot_be_made_by_the_app(world: World, pooled: str) -> None:
    """A temporary table would carry rows from one tenant's transaction into the next."""
    for statement in (
        "CREATE TEMP TABLE kept AS SELECT * FROM licensing_member",
        "CREATE TEMP TABLE kept (x text) ON COMMIT PRESERVE ROWS",
    ):
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            tenant_transaction(world.acme.tenant_id, using=pooled),
        ):
            run(statement)


@pytest.mark.parametrize(
    "hostile",
    [
        "SET app.tenant_id = '{acme}'",
        "SELECT set_config('app.tenant_id', '{acme}', false)",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE; SET SESSION app.tenant_id = '{acme}'",
    ],
)
def test_a_tenant_named_for_a_whole_connection_is_noticed_before_anybody_else_is_served(
    world: World, pooled: str, hostile: str
) -> None:
    """No code of ours does so; SQL that somebody got in might."""
    run(hostile.format(acme=world.acme.tenant_id))
    tainted = backend()
    with pytest.raises(CrossTenantError), tenant_transaction(world.globex.tenant_id, using=pooled):
        pass
    given_back()
    with tenant_transaction(world.globex.tenant_id, using=pooled):
        assert whose() == {world.globex.tenant_id}
    given_back()
    assert backend() != tainted
    with pytest.raises(DatabaseError):
        whose()


def test_a_connection_found_closed_serves_its_tenant_or_fails(world: World) -> None:
    """Whoever connects anew names the tenant anew."""
    connection.ensure_connection()
    connection.connection.close()
    with suppress(OperationalError, InterfaceError), tenant_transaction(world.acme.tenant_id):
        assert set(Member.objects.values_list("tenant_id", flat=True)) == {world.acme.tenant_id}
    assert current_tenant_id() is None
    connection.close()
    with pytest.raises(DatabaseError):
        list(Member.objects.all())
