"""An owner in Chromium, by keyboard alone: refused, buys, and has it; then less, with the end of the period."""

import re
import shutil
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from billing.tasks import work_off
from config.demo.people import people
from config.fake_stripe.webhooks import add_endpoint
from isolation.clock import now
from tests.authlevels import test_the_pages_in_a_real_browser as pages
from tests.authlevels.acme import code
from tests.billing.account import Shop
from tests.console.plan.test_the_console_in_a_real_browser import signed_in
from tests.console.selling.conftest import acme_is_on

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium"),
]
chromium = pages.chromium

EXPORT = "/northwind/try"
LACKING = "Your plan does not include this."


def press(page: Any, label: str) -> None:
    """Go to a button or link by the Tab key alone, by all of its words, and press it."""
    for _ in range(80):
        page.keyboard.press("Tab")
        held = page.evaluate("document.activeElement.textContent || ''")
        if re.sub(r"\s+", " ", held).strip() == label:
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"no key leads to {label!r}")


def confirm(page: Any) -> None:
    """Type the code that the step-up asks for; what waited goes on by itself."""
    page.wait_for_url("**/step-up/chl_**")
    page.locator("input[name=code]:focus").wait_for()
    page.keyboard.type(code(people()["alice"].totp_secret, now()))
    page.keyboard.press("Enter")


@pytest.fixture
def told(shop: Shop, live_server: Any, settings: Any) -> Shop:
    """Let Stripe report to the server that the browser looks at."""
    settings.TIERGATE_BASE_URL = live_server.url
    add_endpoint(
        shop.stripe.account, f"{live_server.url}/billing/stripe/webhook", secrets=list(shop.stripe.webhook_secrets)
    )
    return shop


def test_an_owner_who_is_refused_buys_and_has_it(told: Shop, chromium: Any) -> None:
    page, complaints = signed_in(chromium, "alice")
    page.goto(EXPORT)
    page.get_by_text(LACKING).first.wait_for()
    press(page, "Compare plans")
    page.wait_for_url("**/console/plans")
    pages.look(page, "plans-to-buy")
    press(page, "See what it costs: Regulated")
    confirm(page)
    page.get_by_role("heading", name="What you pay").wait_for()
    pages.look(page, "preview-of-checkout")
    press(page, "Go on to the payment")
    page.wait_for_url(f"{told.stripe.url}/c/pay/**")
    page.get_by_label("Email").fill("alice@acme.example")
    press(page, "Subscribe")
    page.wait_for_url("**/console/")
    assert page.get_by_text("You are on Regulated").is_visible()
    page.goto(EXPORT)
    page.get_by_text("Allowed").or_(page.get_by_text("Confirm that it is you")).first.wait_for()
    assert page.get_by_text(LACKING).count() == 0
    assert [one for one in complaints if "402" not in one] == []


def test_more_is_there_at_once_and_less_with_the_end_of_the_period(
    told: Shop, pays: Callable[..., str], chromium: Any
) -> None:
    clock = told.v1.test_helpers.test_clocks.create({"frozen_time": int(now().timestamp())})
    pays(("plan", "business"), clock=clock.id)
    page, complaints = signed_in(chromium, "alice")
    page.goto("/console/")
    press(page, "Change the plan")
    page.wait_for_url("**/console/plans")
    press(page, "See what it costs: Regulated")
    confirm(page)
    page.get_by_role("heading", name="What you pay").wait_for()
    for one in page.locator("summary").all():
        one.click()
    pages.look(page, "preview-of-upgrade")
    page.locator("button", has_text="and change").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/?done=changed*")
    work_off()  # Whoever reads meanwhile, because a webhook came first, may have left it to the worker.
    page.get_by_text("You are on Regulated").wait_for()
    pages.look(page, "changed")
    page.goto("/console/plans")
    press(page, "See what it costs: Business")
    page.get_by_role("heading", name="What is lost").wait_for()
    pages.look(page, "preview-of-downgrade")
    page.locator("button", has_text="Change on").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/?done=planned*")
    work_off()
    page.get_by_role("heading", name=re.compile(r"On \d+ \w+ \d+: Business")).wait_for()
    pages.look(page, "planned")
    for path in ("/console/plans", "/console/invoices", "/console/plans/go-on", "/console/plans/cancel"):
        page.goto(path)
        pages.look(page, path)
    told.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": int((now() + timedelta(days=32)).timestamp())})
    assert told.stripe.settle()
    work_off()
    assert acme_is_on() == ("business", "active")
    page.goto("/console/")
    assert page.get_by_text("You are on Business").is_visible()
    assert page.get_by_text("Until then everything stays as it is.").count() == 0
    assert complaints == []
