"""The pages of rules in Chromium: a bundle is read and put in force by keyboard alone, on a phone and a desk, as axe sees them."""

import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from config.embedded.paths import CHECKOUT
from decisions import api as decisions
from decisions.policy.making import make_plans
from decisions.policy.stage import Mode
from isolation import clock
from tests.authlevels import test_the_pages_in_a_real_browser as pages
from tests.console.operating.conftest import carry_over
from tests.console.operating.test_rules_are_looked_after import code_to_come
from tests.console.operating.test_the_operator_in_a_real_browser import tab_to
from tests.decisions.bundles import applied, put_in_force, stored
from tiergate.policy.folder import read_folder

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium"),
]
chromium = pages.chromium


def _look(page: Any, name: str) -> None:
    """Look at a page; keep pictures of it where somebody wants to see them."""
    pages.look(page, name)
    folder = os.environ.get("TIERGATE_PICTURES")
    for size in (pages.PHONE, pages.DESK) if folder else ():
        page.set_viewport_size(size)
        page.screenshot(path=str(Path(str(folder)) / f"{name}-{size['width']}.png"), full_page=True)
    page.set_viewport_size(pages.PHONE)


def test_a_bundle_is_read_and_put_in_force_by_keyboard(operator: Client, chromium: Any) -> None:
    page, complaints = pages.opened(chromium)
    page.emulate_media(reduced_motion="reduce")
    carry_over(operator, page)
    before = applied("acme").digest
    northwind = read_folder(CHECKOUT / "sample" / "northwind" / "policies")
    digest = decisions.store_bundle(northwind, by="user:olga", at=clock.now()).digest
    put_in_force(stored("acme", says="aal2", on="tiergate.operator.admin").digest, mode=Mode.SHADOW, percent=50)
    page.goto("/operator/")
    pages.press(page, "Policy")
    page.wait_for_url("**/operator/policy/")
    _look(page, "policy")
    page.goto(f"/operator/policy/bundles/{digest}/")
    for one in page.locator("summary").all():
        one.click()
    _look(page, "bundle")
    page.reload()
    pages.press(page, "Make a plan")
    page.get_by_text("It waits for a worker.").wait_for()
    assert make_plans(clock=clock.now, until=clock.now() + timedelta(minutes=5)) == 1
    page.get_by_text("decisions would have been otherwise").wait_for()
    _look(page, "plan")
    pages.press(page, "Put it in force")
    page.wait_for_url("**/change")
    _look(page, "change")
    page.goto(f"/operator/policy/bundles/{digest}/change?mode=staged&percent=101")
    _look(page, "change-refused")
    page.goto(f"/operator/policy/bundles/{digest}/change")
    tab_to(page, "c-because")
    page.keyboard.type("Reviewed in #7")
    page.keyboard.press("Enter")
    page.get_by_text("Reviewed in #7").wait_for()
    assert decisions.read_stage().active == before
    _look(page, "confirm")
    page.locator("#code").focus()
    page.keyboard.type(code_to_come())
    page.keyboard.press("Enter")
    page.get_by_text("Done.").wait_for()
    assert decisions.read_stage().active == digest
    for path in ("", "history", "shadow", "roll-back", "no-rules"):
        page.goto(f"/operator/policy/{path}")
        _look(page, path or "policy-after")
    assert [one for one in complaints if "400 (Bad Request)" not in one] == []
