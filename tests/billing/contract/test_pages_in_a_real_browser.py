"""Somebody on a phone, with a keyboard alone, pays, and thinks better of it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

from config.fake_stripe import FakeStripe
from tests.billing.contract.shop import Shop

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium"),
]


@pytest.fixture
def page() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where there is a browser

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser.new_context(viewport={"width": 360, "height": 720}).new_page()
        browser.close()


def _look(page: Any, tmp_path: Path, name: str) -> None:
    pictures = Path(os.environ.get("TIERGATE_PICTURES") or tmp_path)
    page.screenshot(path=str(pictures / f"stripe-{name}.png"), full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def _press(page: Any, name: str) -> None:
    for _ in range(30):
        if page.evaluate("document.activeElement.textContent.trim()") == name:
            page.keyboard.press("Enter")
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{name!r} cannot be reached by keyboard")


def test_they_pay_after_a_declined_card_and_cancel_in_the_portal(
    fake: FakeStripe, stall: Shop, page: Any, tmp_path: Path
) -> None:
    session = stall.client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "line_items": [{"price": stall.price(12000, name="Business").id, "quantity": 3}],
            "success_url": f"{fake.url}/i/{{CHECKOUT_SESSION_ID}}",
            "cancel_url": f"{fake.url}/back",
        }
    )
    page.goto(session.url)
    _look(page, tmp_path, "checkout")
    page.get_by_label("Email").fill("ada@acme.example")
    page.get_by_label("is declined").first.check()
    _press(page, "Subscribe")
    page.get_by_role("alert").wait_for()
    _look(page, tmp_path, "declined")
    page.get_by_label("Email").fill("ada@acme.example")
    _press(page, "Subscribe")
    page.wait_for_url(f"{fake.url}/i/{session.id}")
    (customer,) = stall.client.v1.customers.list().data
    portal = stall.client.v1.billing_portal.sessions.create({"customer": customer.id, "return_url": f"{fake.url}/back"})
    page.goto(portal.url)
    _look(page, tmp_path, "portal")
    _press(page, "Cancel the plan")
    page.get_by_role("button", name="Keep the plan").wait_for()
    assert stall.client.v1.subscriptions.list().data[0].cancel_at_period_end
