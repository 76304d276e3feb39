"""The API's description and the pages of its codes in Chromium, under our own policy."""

import shutil
from typing import Any

import pytest

from tests.authlevels import test_the_pages_in_a_real_browser as pages

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium"),
]
chromium = pages.chromium


def test_the_description_of_the_api_breaks_no_policy(chromium: Any) -> None:
    page, complaints = pages.opened(chromium)
    page.goto("/api/docs/")
    page.locator(".opblock").first.wait_for()
    page.locator(".opblock-summary-control").first.click()
    page.locator(".opblock-body").first.wait_for()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(250, 250, 250)"
    assert complaints == []


def test_a_code_is_looked_up_by_keyboard_on_a_phone(chromium: Any) -> None:
    page, complaints = pages.opened(chromium)
    page.goto("/problems/last_owner")
    pages.look(page, "problem")
    pages.press(page, "All codes")
    page.wait_for_url("**/problems/")
    pages.look(page, "problems")
    page.get_by_role("link", name="insufficient_user_authentication").click()
    page.wait_for_url("**/problems/insufficient_user_authentication")
    pages.look(page, "long")
    assert complaints == []
