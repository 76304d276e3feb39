"""The pages of risk in Chromium: read and slid by keyboard alone, on a phone and a desk, and as axe sees them."""

import shutil
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from config.demo.people import people
from isolation.clock import now
from licensing import api as licensing
from riskengine import api as riskengine
from tests.authlevels import test_the_pages_in_a_real_browser as pages
from tests.authlevels.acme import code
from tests.console.operating import conftest as operating
from tests.console.operating.test_the_operator_in_a_real_browser import tab_to
from tests.console.plan.test_the_console_in_a_real_browser import signed_in
from tests.console.risk.conftest import HOSTILE, bands_begin, looked

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium"),
]
chromium = pages.chromium
acme, olga, operator = operating.acme, operating.olga, operating.operator


def opened_up(page: Any) -> None:
    """Unfold what is folded, and look at all of it."""
    for one in page.locator("summary").all():
        one.click()


@pytest.mark.usefixtures("week")
def test_an_owner_looks_slides_and_changes_by_keyboard(chromium: Any) -> None:
    page, complaints = signed_in(chromium, "alice")
    page.goto("/console/")
    pages.press(page, "Risk")
    page.wait_for_url("**/console/risk")
    opened_up(page)
    pages.look(page, "risk")
    pages.press(page, "What if bands began elsewhere?")
    page.wait_for_url("**/what-if?days=30")
    pages.look(page, "what-if")
    before = page.locator(".answer").inner_text()
    tab_to(page, "medium")
    page.keyboard.press("End")
    page.get_by_text("At these bands,").wait_for()
    assert page.locator(".answer").inner_text() != before
    assert page.evaluate("document.activeElement.id") == "medium"
    # The bands above moved along: none begins below the one before.
    last = page.locator("#medium").get_attribute("max")
    assert [page.locator(f"#{band}").input_value() for band in ("medium", "high", "critical")] == [last, last, "4"]
    assert page.locator("output[for=high]").inner_text() == last
    pages.look(page, "what-if-moved")
    page.reload()
    page.get_by_text("At these bands,").wait_for()
    page.goto("/console/risk/policy")
    pages.look(page, "policy")
    tab_to(page, "mode-enforce")
    page.keyboard.press("ArrowDown")
    pages.press(page, "Save")
    page.wait_for_url("**/step-up/chl_**")
    page.locator("input[name=code]:focus").wait_for()
    page.keyboard.type(code(people()["alice"].totp_secret, now()))
    page.keyboard.press("Enter")
    page.get_by_text("The policy is changed.").wait_for()
    assert riskengine.get_policy(tenant_id=licensing.get_tenant("acme").id).mode == riskengine.Mode.OBSERVE
    assert complaints == []


@pytest.mark.usefixtures("week")
def test_all_of_it_works_without_scripts(chromium: Any) -> None:
    page, _complaints = signed_in(chromium, "alice")
    secret = next(one for one in page.context.cookies() if one["name"] == "tiergate")
    plain = page.context.browser.new_context(java_script_enabled=False, base_url=page.url.rsplit("/", 1)[0])
    plain.add_cookies([{"name": "tiergate", "value": secret["value"], "url": page.url}])
    page = plain.new_page()
    page.goto("/console/risk/what-if?days=7")
    page.locator("#medium").press("End")
    page.get_by_role("button", name="Count").click()
    page.get_by_text("At these bands,").wait_for()
    assert f"medium={page.locator('#medium').get_attribute('max')}" in page.url


def test_the_operator_looks_at_a_tenant(operator: Client, acme: UUID, chromium: Any) -> None:
    bands_begin("acme")
    for band in ("low", "medium", "high", "critical"):
        looked("acme", band, subject_id=HOSTILE)
    page, complaints = pages.opened(chromium)
    page.emulate_media(reduced_motion="reduce")
    operating.carry_over(operator, page)
    for path in ("", f"{acme}", f"{acme}/what-if"):
        page.goto(f"/operator/risk/{path}")
        opened_up(page)
        pages.look(page, path)
    tab_to(page, "high")
    page.keyboard.press("Home")
    page.get_by_text("At these bands,").wait_for()
    assert complaints == []
