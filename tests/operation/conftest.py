"""What the tests of the operation begin with."""

from collections.abc import Iterator

import pytest

from config.operation import readiness as probing
from tests.authlevels.acme import Acme, found_acme, put_alice
from tests.conftest import PATIENCE
from tests.decisions.conftest import world

__all__ = ["acme", "readiness", "world"]


@pytest.fixture
def acme(db: None) -> Acme:
    """Make the tenant anew, for each test has a ring of keys of its own."""
    put_alice()
    return found_acme()


@pytest.fixture
def readiness(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the probes look anew, patiently, and leave no connection of theirs behind."""
    monkeypatch.setattr(probing, "_VALKEY_SECONDS", PATIENCE)
    for look in (probing._database, probing._valkey):
        monkeypatch.setattr(look, "_bound", PATIENCE)
    probing.forget()
    yield
    probing.forget()
