"""The database and Valkey as every test finds them: migrated, seeded, and otherwise empty.

`@pytest.mark.django_db` (or the `db` fixture) gives a test all three aliases without a
transaction around it: row-level security works by SET LOCAL, and three aliases are three
connections that must see each other's commits.

Laws are tried on the same examples each time, and for as long as it takes, whichever tests are run; set
HYPOTHESIS_PROFILE=explore to look for new ones.
"""

import gc
import os
import shutil
from collections.abc import Iterator
from typing import Any, Final

import psycopg
import pytest
import redis
from hypothesis import HealthCheck, settings
from psycopg.pq import TransactionStatus
from pytest_django import DjangoDbBlocker

from config.embedded import paths, roles
from tests import rows

# Before any test is imported, whose own settings say in what they differ.
_UNTIMED: Final[dict[str, Any]] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("same", derandomize=True, database=None, max_examples=50, **_UNTIMED)
settings.register_profile("explore", max_examples=400, **_UNTIMED)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

# Where storms measure no time, and start no installation of their own: two of them may run at a time. What is not
# named here has the machine to itself.
_TWO_AT_A_TIME = {
    paths.CHECKOUT / "tests" / folder
    for folder in ("api", "attacks", "audit", "billing", "decisions", "docs", "files", "kernel", "licensing", "policy")
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the storms that may run beside each other."""
    for item in items:
        if _TWO_AT_A_TIME.intersection(item.path.parents):
            item.add_marker("beside")


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Create this process's database from the migrated template."""
    with django_db_blocker.unblock():
        rows.create_database()
    yield
    # It stays until the next run of this slot drops it, which is quick once what was written has reached its files.
    with django_db_blocker.unblock():
        from django.db import connections  # noqa: PLC0415 - not before the settings are read

        connections.close_all()


@pytest.fixture(scope="session")
def superuser(django_db_setup: None) -> Iterator[psycopg.Connection]:
    """Hold one connection of the bootstrap superuser to the test database."""
    with roles.superuser_connection(paths.database_name()) as connection:
        yield connection


@pytest.fixture(scope="session")
def valkey() -> Iterator[redis.Redis]:
    """Hold a client of this process's own Valkey database."""
    client = redis.Redis.from_url(paths.valkey_url())
    yield client
    client.close()


@pytest.fixture(scope="session")
def rows_of_tests(django_db_setup: None) -> Iterator[rows.Worlds]:
    """Hold what tests begin with."""
    held = rows.Worlds()
    yield held
    held.close()


@pytest.fixture(scope="session")
def worlds(rows_of_tests: rows.Worlds) -> rows.Worlds:
    """Give what tests begin with to a fixture that puts a world back before anybody looks at any row."""
    return rows_of_tests


def pytest_collection_finish() -> None:
    """Look for garbage among what tests make, and not each time among thousands of collected tests too."""
    gc.collect()
    gc.freeze()


PATIENCE: Final = 60.0
"""Seconds that a test waits for what comes at once as a rule: they are felt only where it does not come."""


@pytest.fixture(scope="session", autouse=True)
def _patient() -> Iterator[None]:
    """Wait for what answers, however busy this machine is: who gives up after 50 ms answers otherwise then.

    What never answers is not waited for by any test, but by one that says for how long.
    """
    from audit import stream  # noqa: PLC0415 - not before the settings are read
    from licensing import push  # noqa: PLC0415 - as above
    from riskengine import sights, valkey  # noqa: PLC0415 - as above
    from riskengine.data import keeping  # noqa: PLC0415 - as above
    from telemetry import gauges  # noqa: PLC0415 - as above

    with pytest.MonkeyPatch.context() as patch:
        for client in (stream, push, sights):
            patch.setattr(client, "_TIMEOUT_SECONDS", PATIENCE)
        patch.setattr(valkey, "TIMEOUT_SECONDS", PATIENCE)
        patch.setattr(keeping, "BOUND_SECONDS", PATIENCE)
        for look in (keeping.keeper._look, gauges._asking):
            patch.setattr(look, "_bound", PATIENCE)
        yield


@pytest.fixture(autouse=True)
def _quick(settings: Any) -> None:
    """Do as production does, at a fraction of its cost.

    Passwords are hashed in ways meant to be felt; and each test's client would walk through all static files, which
    are looked for when they are asked for here.
    """
    settings.PASSWORD_HASHERS = ["tests.authlevels.acme.QuickScrypt"]
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def _django_db_helper(
    request: pytest.FixtureRequest, rows_of_tests: rows.Worlds, valkey: redis.Redis, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Stand in for pytest-django's, whose clean-up truncates by the app's role, which may not."""
    from django.db import connections  # noqa: PLC0415 - not before the settings are read

    from audit.api import forget_people, stop_stream  # noqa: PLC0415 - as above
    from decisions import people  # noqa: PLC0415 - as above
    from licensing.api import forget_snapshots, forget_tenants  # noqa: PLC0415 - as above
    from riskengine import api as risk  # noqa: PLC0415 - as above
    from riskengine.sights import stop_sights  # noqa: PLC0415 - as above

    # A world is put back as a whole, whatever was there before it.
    if "worlds" not in request.fixturenames:
        rows_of_tests.begin()
    shutil.rmtree(paths.seal_directory(paths.database_name()), ignore_errors=True)
    shutil.rmtree(paths.risk_directory(paths.database_name()), ignore_errors=True)
    valkey.flushdb()
    forget_people()
    people.forget_people()
    forget_tenants()
    forget_snapshots()
    risk.forget_assessments()
    risk.forget_usual()
    risk.forget_policies()
    risk.forget_data()
    with django_db_blocker.unblock():
        yield
        stop_stream()
        stop_sights()
        for connection in connections.all(initialized_only=True):
            assert not connection.in_atomic_block, f"the test left a transaction open on {connection.alias}"
            _hand_on(connection)


def _hand_on(connection: Any) -> None:
    """Leave a connection to the next test as a pool would, and close one that is not fit for that.

    A server's process that has just been started knows no table, function or plan: finding out anew for each test
    costs more than most tests do.
    """
    raw = connection.connection
    if raw is None:
        return
    if raw.closed or raw.info.transaction_status != TransactionStatus.IDLE or not raw.autocommit:
        connection.close()
        return
    raw.execute("CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES; RESET ALL")
