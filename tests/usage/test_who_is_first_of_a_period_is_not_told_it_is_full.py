"""A counter that somebody else begins meanwhile is one that there is now, and not one that is full."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
from django.db import connections

from config.embedded.processes import wait_until
from licensing import api
from tests.usage.conftest import NOON

GATE = 20_261_122
HELD = f"""
    CREATE FUNCTION tests_held_up() RETURNS trigger LANGUAGE plpgsql AS $fn$
    BEGIN
        PERFORM pg_advisory_xact_lock({GATE});
        RETURN NULL;
    END
    $fn$;
    CREATE TRIGGER tests_held_up BEFORE UPDATE ON licensing_usage_counter
    FOR EACH STATEMENT EXECUTE FUNCTION tests_held_up()
"""
WAITS = """
    SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database AND d.datname = current_database()
    WHERE locktype = 'advisory' AND objid = %s AND NOT granted
"""
COUNTER = """
    INSERT INTO licensing_usage_counter (id, tenant_id, feature, period_start, period_end, used, reserved, carried)
    VALUES (gen_random_uuid(), %s, 'calls', '2026-11-22', '2026-11-23', 1, 0, 0)
"""


def test_who_comes_second_by_a_moment_is_counted(acme: UUID, superuser: psycopg.Connection) -> None:
    """Its update began before the counter was, so it finds none; its look after that finds one that has room."""
    superuser.execute(HELD.encode())
    superuser.execute("SELECT pg_advisory_lock(%s)", [GATE])
    try:
        with ThreadPoolExecutor(1) as beside:
            second = beside.submit(_consume, acme)
            _wait_for(superuser, second.done)
            superuser.execute(COUNTER, [acme])
            superuser.execute("SELECT pg_advisory_unlock(%s)", [GATE])
            assert second.result(timeout=60) == "consumed"
    finally:
        superuser.execute("SELECT pg_advisory_unlock_all()")
        superuser.execute("DROP FUNCTION tests_held_up CASCADE")
    assert api.usage_of(tenant_id=acme, at=NOON)["calls"].used == 2


def _consume(tenant_id: UUID) -> str:
    try:
        return api.consume(tenant_id=tenant_id, items=[("calls", 1)], key="second", at=NOON).state
    finally:
        connections.close_all()


def _wait_for(superuser: psycopg.Connection, is_over: Callable[[], bool]) -> None:
    """Return once the update has begun and is held up."""
    held = wait_until(lambda: is_over() or superuser.execute(WAITS, [GATE]).fetchone() == (1,), seconds=60)
    assert held
    assert not is_over()
