"""A demo to look at, whose database is dropped afterwards."""

from collections.abc import Iterator

import pytest

from config.demo.launcher import forget
from config.embedded import roles
from tests.journeys.demo_process import DATABASE, DemoProcess


@pytest.fixture(scope="session")
def own_database() -> Iterator[None]:
    yield
    with roles.superuser_connection() as server:
        roles.drop_database(server, DATABASE)
    forget(DATABASE)


@pytest.fixture
def demo(own_database: None) -> Iterator[DemoProcess]:
    """Run a demo, and leave nothing of it."""
    started = DemoProcess()
    try:
        started.start()
        yield started
    finally:
        started.clear()
