from typing import Any

import psycopg
import pytest

from tests.authlevels.acme import Acme, found_acme, restored_acme


@pytest.fixture
def acme(db: None, made_worlds: dict[str, tuple[Any, str]], superuser: psycopg.Connection) -> Acme:
    return restored_acme(made_worlds, superuser)


@pytest.fixture
def globex(acme: Acme) -> Acme:
    return found_acme("globex")
