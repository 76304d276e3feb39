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


def told_of_jonas(said: str) -> list[str]:
    """Read what came of the two who say that they are Jonas, who look unlike each other."""
    afar, _, himself = said.partition("entitled, and yet asked for a second factor.")[2].partition("Jonas himself, at")
    outcome = re.search(r"ok: the outcome is '(\w+)'", afar)
    assert outcome is not None
    # The explanation: band, score, reasons in words, and what would make it.
    assert re.search(r"risk +(high|critical), score \+\d+\.\d\d: .*new_hour", afar)
    assert re.search(r"\w+ risk: .*first time from this country", afar)
    assert re.search(r"What would make it\s+step_up to aal2 within \d+ s with otp", afar)
    decision = re.search(r"ok: the decision is (\w+)", himself)
    assert decision is not None
    return [f"from afar: {outcome[1]}", f"himself: {decision[1]}"]


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
        assert tour.wait(timeout=90) == 130
    with roles.superuser_connection() as server:
        assert f"tiergate_tour_{tour.pid}" not in databases(server)


def test_the_tour_passes_twice_in_a_row() -> None:
    for _ in range(2):
        done = manage("demo", "--tour")
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(r"All \d+ calls were answered as promised", done.stdout)
        assert told_of_jonas(done.stdout) == ["from afar: step_up", "himself: True"]
        assert "SURPRISE" not in done.stdout
        assert "\033" not in done.stdout
        ports = {int(port) for port in re.findall(r"http://localhost:(\d+)/", done.stdout)}
        assert len(ports) == 2
        assert not any(is_served(port) for port in ports)
    with roles.superuser_connection() as server:
        assert not {name for name in databases(server) if name.startswith("tiergate_tour_")}
