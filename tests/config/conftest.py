"""One checkout for the tests of the services, under a closed directory with a space in its name."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.config.checkouts import Checkout, make_checkout


@pytest.fixture
def runtime() -> Iterator[Path]:
    """Make a short directory that the servers' account may enter, as /var/tmp is."""
    found = Path(tempfile.mkdtemp(prefix="tgt-", dir="/var/tmp"))
    found.chmod(0o1777)
    yield found
    shutil.rmtree(found)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Make a checkout that a module's tests share; its services end with the module."""
    parent = tmp_path_factory.mktemp("closed to others")
    parent.chmod(0o700)
    runtime = Path(tempfile.mkdtemp(prefix="tgt-", dir="/var/tmp"))
    runtime.chmod(0o1777)
    made = make_checkout(parent / "a checkout", runtime)
    yield made
    made.run("stop")
    shutil.rmtree(runtime)


@pytest.fixture
def new_checkout(tmp_path: Path) -> Iterator[Callable[[Path], Checkout]]:
    """Make a further checkout whose services live in the given directory, and end them afterwards."""
    made: list[Checkout] = []

    def make(runtime: Path) -> Checkout:
        made.append(make_checkout(tmp_path / f"checkout {len(made)}", runtime))
        return made[-1]

    yield make
    for checkout in made:
        checkout.run("stop")
