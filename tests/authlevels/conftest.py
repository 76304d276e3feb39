from typing import Any

import pytest

from tests.authlevels.acme import Acme, found_acme, put_alice


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["tests.authlevels.acme.QuickScrypt"]


@pytest.fixture
def acme(db: None) -> Acme:
    put_alice()
    return found_acme()


@pytest.fixture
def globex(acme: Acme) -> Acme:
    return found_acme("globex")
