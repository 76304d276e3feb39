"""Northwind as the demo has it, and its people in their browsers."""

from collections.abc import Callable

import pytest
from django.test import Client

from config.demo.people import people
from tests.sample import conftest as sample

northwind = sample.northwind


@pytest.fixture
def browser_of(northwind: None) -> Callable[[str], Client]:
    """Sign one of the demo's people in, in a browser of theirs."""

    def sign_in(name: str) -> Client:
        known = people()[name]
        browser = Client(HTTP_ACCEPT="text/html", HTTP_SEC_FETCH_SITE="same-origin")
        answer = browser.post("/sign-in", {"tenant": known.tenant, "username": name, "password": known.password})
        assert answer.status_code == 303, answer.content
        return browser

    return sign_in
