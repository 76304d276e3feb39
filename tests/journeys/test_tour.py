"""The tour passes, whatever was done before it, and ends everything that it began."""

import re

import psycopg
import pytest

from config.embedded import roles
from tests.journeys.demo_process import is_served, manage

pytestmark = pytest.mark.storm


def databases(server: psycopg.Connection) -> set[str]:
    return {str(row[0]) for row in server.execute("SELECT datname FROM pg_database")}


def test_the_tour_passes_twice_in_a_row() -> None:
    for _ in range(2):
        done = manage("demo", "--tour")
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(r"All \d\d calls were answered as promised", done.stdout)
        assert "SURPRISE" not in done.stdout
        assert "\033" not in done.stdout
        ports = {int(port) for port in re.findall(r"http://localhost:(\d+)/", done.stdout)}
        assert len(ports) == 2
        assert not any(is_served(port) for port in ports)
        with roles.superuser_connection() as server:
            assert not {name for name in databases(server) if name.startswith("tiergate_tour_")}
