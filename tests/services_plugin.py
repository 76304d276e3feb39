"""Starts the embedded services before Django reads its settings, and gives this run a place of its own.

A run takes the first free *slot*; its databases and Valkey numbers are named after the slot, so
that runs at the same time do not meet. Workers of one run inherit the slot by environment and
add their own number. Processes that a test starts inherit both, and so see the test's rows.
"""

import fcntl
import os
import re
from collections.abc import Generator

import pytest

from config.embedded import EmbeddedError, ensure_running, paths

# Valkey has 256 databases: 0 is the demo's, and each slot has 15 for its workers.
_SLOTS = 16
_WORKERS = 15
_held: list[int] = []


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None]:
    """Go before pytest-django, which reads the settings here; only a wrapper is sure to."""
    _prepare()
    return (yield)


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run one process more than there are processors: of two, a fifth of the time was spent waiting for the database."""
    return 1 + (os.cpu_count() or 1)


def _prepare() -> None:
    """Bring the services up and name this process's part of them in the environment."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    os.environ["TIERGATE_TESTING"] = "1"
    os.environ["TIERGATE_DEMO"] = "1"
    for name in ("DATABASE_URL", "DATABASE_SWEEP_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    if not worker:
        os.environ.pop("TIERGATE_EMBEDDED_DATABASE", None)
        try:
            ensure_running()
        except EmbeddedError as error:
            pytest.exit(str(error), returncode=3)
        os.environ["TIERGATE_TEST_SLOT"] = str(_take_slot())
    slot = int(os.environ["TIERGATE_TEST_SLOT"])
    number = 1 + int(re.sub(r"\D", "", worker)) if worker else 0
    if number >= _WORKERS:
        pytest.exit(f"at most {_WORKERS - 1} workers: each takes a Valkey database of its own", returncode=3)
    os.environ["TIERGATE_EMBEDDED_DATABASE"] = f"tiergate_test_{slot}_{number}"
    os.environ["TIERGATE_EMBEDDED_VALKEY_DB"] = str(1 + slot * _WORKERS + number)
    os.environ["TIERGATE_VALKEY_PREFIX"] = f"tiergate-test-{slot}-{number}"


def _take_slot() -> int:
    for slot in range(_SLOTS):
        descriptor = os.open(paths.place().keep / f"test-{slot}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        _held.append(descriptor)
        return slot
    return pytest.exit(f"{_SLOTS} test runs of this checkout are under way already", returncode=3)
