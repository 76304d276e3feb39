"""The tour passes, whatever was done before it, and ends everything that it began."""

import re
import signal
import subprocess
import sys

import psycopg
import pytest

from config.embedded import paths, roles
from tests.journeys.demo_process import environment, is_served, manage

pytestmark = pytest.mark.storm


def databases(server: psycopg.Connection) -> set[str]:
    return {str(row[0]) for row in server.execute("SELECT datname FROM pg_database")}


def test_a_tour_that_is_broken_off_does_not_count_as_passed() -> None:
    tour = subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--tour"],
        cwd=paths.CHECKOUT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    with tour:
        assert tour.stdout is not None
        said = tour.stdout.readline()
        assert said == "Preparing the database ...\n"
        tour.send_signal(signal.SIGTERM)
        tour.stdout.read()
        assert tour.wait(timeout=40) == 130
    with roles.superuser_connection() as server:
        assert f"tiergate_tour_{tour.pid}" not in databases(server)


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
