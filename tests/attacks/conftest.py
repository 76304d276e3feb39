import pytest

from tests import rows
from tests.authlevels.acme import Acme, found_acme, restored_acme


@pytest.fixture
def acme(db: None, worlds: rows.Worlds) -> Acme:
    return restored_acme(worlds)


@pytest.fixture
def globex(acme: Acme) -> Acme:
    return found_acme("globex")
