"""The workspace's pages in Chromium: by keyboard alone, on a phone and a desk, light and dark, and as axe sees them."""

import shutil
from typing import Any

import pytest

from authlevels import api as authlevels
from config.demo.people import people
from isolation.clock import now
from licensing import api as licensing
from tests.authlevels import test_the_pages_in_a_real_browser as pages
from tests.authlevels.acme import code
from tests.console.plan.test_people_are_invited import seats

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium"),
]
chromium = pages.chromium


def signed_in(chromium: Any, name: str) -> tuple[Any, list[str]]:
    """Open a page whose browser holds a session of somebody's."""
    known, at = people()[name], now()
    _, secret = authlevels.sign_in_with_password(
        tenant_id=licensing.get_tenant(known.tenant).id,
        username=name,
        password=known.password,
        network="192.0.2.1",
        at=at,
    )
    page, complaints = pages.opened(chromium)
    page.goto("/")
    page.context.add_cookies([{"name": "tiergate", "value": secret, "url": page.url}])
    return page, complaints


@pytest.mark.usefixtures("northwind")
def test_an_owner_finds_their_way_and_invites_by_keyboard(chromium: Any) -> None:
    page, complaints = signed_in(chromium, "alice")
    seats(3)
    page.goto("/")
    pages.press(page, "See what Acme has")
    page.wait_for_url("**/console/")
    pages.look(page, "plan")
    pages.press(page, "Compare plans")
    page.wait_for_url("**/console/plans")
    page.locator("summary").first.click()
    pages.look(page, "plans")
    # On a phone all that a plan has is read without pushing the table aside.
    assert page.locator("td[data-of]").evaluate_all(
        "all => all.every(one => one.getBoundingClientRect().right <= innerWidth)"
    )
    pages.press(page, "Usage")
    page.wait_for_url("**/console/usage")
    pages.look(page, "seats")
    pages.press(page, "People")
    page.wait_for_url("**/console/people")
    pages.look(page, "people")
    page.get_by_label("Their e-mail address").fill("erin@acme.example")
    page.keyboard.press("Enter")
    page.wait_for_url("**/step-up/chl_**")
    page.locator("input[name=code]:focus").wait_for()
    page.keyboard.type(code(people()["alice"].totp_secret, now()))
    page.keyboard.press("Enter")
    page.locator("#token").wait_for()
    pages.look(page, "invited")
    link = "/join/" + page.locator("#link").inner_text().partition("/join/")[2]
    page.goto(link)
    assert page.get_by_role("button", name="Join as alice").is_visible()
    pages.look(page, "join")
    page.goto("/console/people")
    assert page.get_by_role("paragraph").get_by_text("3 of 3").is_visible()
    pages.press(page, "Take back")
    page.get_by_text("The invitation is taken back").wait_for()
    assert complaints == []


@pytest.mark.usefixtures("northwind")
def test_the_longest_page_is_for_everybody(chromium: Any) -> None:
    page, complaints = signed_in(chromium, "alice")
    tenant_id = licensing.get_tenant("acme").id
    licensing.put_subscription(tenant_id=tenant_id, plan="regulated", by="test", at=now())
    licensing.consume(tenant_id=tenant_id, items=[("api.calls", 321)], key="a-morning", at=now())
    for path in ("/console/", "/console/people", "/console/usage"):
        page.goto(path)
        for one in page.locator("summary").all():
            one.click()
        pages.look(page, path)
    assert complaints == []
