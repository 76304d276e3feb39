"""Northwind's catalogue, the tenant acme, and a receiver of webhooks."""

from collections.abc import Iterator

import pytest

from tests.licensing.conftest import acme, catalogue
from tests.webhooks.receiver import Receiver, receiving

__all__ = ["acme", "catalogue"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found
