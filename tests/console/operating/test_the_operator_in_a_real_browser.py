"""The operator's pages in Chromium: a draft is written by keyboard alone, on a phone and a desk, and as axe sees them."""

import shutil
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from licensing import api as licensing
from tests.authlevels import test_the_pages_in_a_real_browser as pages
from tests.console.operating.conftest import carry_over
from tests.console.operating.test_drafts_are_written import draft

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium"),
]
chromium = pages.chromium
__all__ = ["draft"]


def tab_to(page: Any, name: str) -> None:
    """Go to a field by the Tab key alone."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == name:
            return
    raise AssertionError(f"no key leads to {name!r}")


def test_a_draft_is_written_and_published_by_keyboard(operator: Client, acme: UUID, draft: str, chromium: Any) -> None:
    page, complaints = pages.opened(chromium)
    page.emulate_media(reduced_motion="reduce")  # a colour on its way to another is looked at by axe too
    carry_over(operator, page)
    page.goto("/operator/plans/")
    pages.look(page, "plans")
    pages.press(page, "Edit")
    page.wait_for_url("**/business@2/edit")
    for one in page.locator("summary").all():
        one.click()
    pages.look(page, "draft")
    page.reload()
    row = page.get_by_role("row").filter(has_text="Projects")
    limit = str(row.get_by_label("Projects: how many").get_attribute("id"))
    tab_to(page, limit)
    page.keyboard.press("Control+A")
    page.keyboard.type("many")
    page.keyboard.press("Enter")
    page.get_by_text("A limit is a whole number from 0 on.").first.wait_for()
    pages.look(page, "draft-refused")
    pages.press(page, "Projects")
    page.locator(f"#{limit}:focus").wait_for()
    page.keyboard.press("Control+A")
    page.keyboard.type("25")
    page.keyboard.press("Enter")
    page.get_by_text("The draft was saved").wait_for()
    pages.press(page, "Go on to publish it")
    page.wait_for_url("**/business@2/publish")
    pages.look(page, "publish")
    pages.press(page, "Put business@2 on sale")
    page.get_by_text("It is on sale").wait_for()
    assert licensing.get_version(ref=draft).is_on_sale
    for path in ("tenants/", f"tenants/{acme}/", "billing/?show=waiting", "billing/?show=events"):
        page.goto(f"/operator/{path}")
        for one in page.locator("summary").all():
            one.click()
        pages.look(page, path)
    # The browser tells of the save that was refused, as it is meant to be.
    assert [one for one in complaints if "400 (Bad Request)" not in one] == []
