"""The database and Valkey as every test finds them: migrated, seeded, and otherwise empty.

`@pytest.mark.django_db` (or the `db` fixture) gives a test all three aliases without a
transaction around it: row-level security works by SET LOCAL, and three aliases are three
connections that must see each other's commits.
"""

import shutil
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import redis
from pytest_django import DjangoDbBlocker

from config.embedded import paths, roles
from tests import rows


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Create this process's database from the migrated template; yields what restores its rows."""
    with django_db_blocker.unblock():
        restoring = rows.create_database()
    yield restoring
    with django_db_blocker.unblock():
        rows.drop_database()


@pytest.fixture(scope="session")
def superuser(django_db_setup: str) -> Iterator[psycopg.Connection]:
    """Hold one connection of the bootstrap superuser to the test database."""
    assert django_db_setup
    with roles.superuser_connection(paths.database_name()) as connection:
        yield connection


@pytest.fixture(scope="session")
def valkey() -> Iterator[redis.Redis]:
    """Hold a client of this process's own Valkey database."""
    client = redis.Redis.from_url(paths.valkey_url())
    yield client
    client.close()


@pytest.fixture(scope="session")
def made_worlds(django_db_setup: str) -> dict[str, tuple[Any, str]]:
    """Remember what this process has made in its database: by name, what it was and what restores its rows."""
    assert django_db_setup
    return {}


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    """Hash passwords as production does, at a fraction of its cost, which is meant to be felt."""
    settings.PASSWORD_HASHERS = ["tests.authlevels.acme.QuickScrypt"]


@pytest.fixture
def _django_db_helper(
    django_db_setup: str, superuser: psycopg.Connection, valkey: redis.Redis, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Stand in for pytest-django's, whose clean-up truncates by the app's role, which may not."""
    from django.db import connections  # noqa: PLC0415 - not before the settings are read

    from audit.api import forget_people, stop_stream  # noqa: PLC0415 - as above
    from decisions import people  # noqa: PLC0415 - as above
    from licensing.api import forget_snapshots, forget_tenants  # noqa: PLC0415 - as above

    superuser.execute(django_db_setup.encode())
    shutil.rmtree(paths.seal_directory(paths.database_name()), ignore_errors=True)
    valkey.flushdb()
    forget_people()
    people.forget_people()
    forget_tenants()
    forget_snapshots()
    with django_db_blocker.unblock():
        yield
        stop_stream()
        for connection in connections.all(initialized_only=True):
            assert not connection.in_atomic_block, f"the test left a transaction open on {connection.alias}"
            connection.close()
