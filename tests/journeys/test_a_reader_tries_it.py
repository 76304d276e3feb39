"""A reader on a phone, with a keyboard alone, turns their own refusal into an allow, in a real browser."""

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest

from config.demo.people import people
from isolation.clock import now
from tests.journeys.demo_process import DemoProcess

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium"),
]

QUIET = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run")
STEP = timedelta(seconds=30)


class Reader:
    """Somebody in front of a page, whose browser's complaints are collected."""

    def __init__(self, page: Any, pictures: Path) -> None:
        self.page, self.pictures, self.complaints = page, pictures, list[str]()
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in {"error", "warning"} else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def press(self, name: str) -> None:
        """Go to a button or link by the Tab key and press Enter."""
        for _ in range(30):
            focused = self.page.evaluate("document.activeElement.textContent.trim()")
            if focused == name:
                break
            self.page.keyboard.press("Tab")
        else:
            pytest.fail(f"{name!r} cannot be reached by keyboard on {self.page.url}")
        outline = self.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", f"nobody sees that {name!r} has the focus"
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        self.look(name)

    def look(self, name: str) -> None:
        """Take a picture, and see that nothing is cut off sideways."""
        self.page.screenshot(
            path=str(self.pictures / f"{len(list(self.pictures.iterdir())):02}-{name}.png"), full_page=True
        )
        widths = self.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert widths[0] <= widths[1], f"{self.page.url} is wider than the phone after {name!r}"

    def type_code(self, secret: str, *, ahead: timedelta = timedelta(0)) -> None:
        """Type the code that the authenticator shows then."""
        self.page.locator("input.code").fill(pyotp.TOTP(secret).at(now() + ahead))


@pytest.fixture
def reader(demo: DemoProcess, tmp_path: Path) -> Iterator[Reader]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where there is a browser

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=list(QUIET))
        context = browser.new_context(viewport={"width": 375, "height": 720})
        pictures = Path(os.environ.get("TIERGATE_PICTURES") or tmp_path)
        pictures.mkdir(exist_ok=True)
        yield Reader(context.new_page(), pictures)
        browser.close()


def test_a_guest_is_refused_then_allowed_then_refused(demo: DemoProcess, reader: Reader) -> None:
    page = reader.page
    page.goto(f"{demo.web}/northwind/try")
    reader.look("arrival")
    reader.press("Become a guest")
    assert page.get_by_role("status").inner_text().startswith("This needs a sign-in factor")
    reader.press("Add an authenticator")
    assert page.get_by_role("img", name="QR code").bounding_box()["width"] > 150
    secret = page.locator("#secret").inner_text()
    reader.type_code(secret)
    reader.press("Confirm the authenticator")
    assert page.get_by_role("heading", name="Refused").is_visible()
    reader.press("Confirm that it is you")
    assert "/step-up/chl_" in page.url
    # The code that confirmed the authenticator is used up; the next one is good already.
    reader.type_code(secret, ahead=STEP)
    reader.press("Confirm with code")
    assert page.get_by_role("heading", name="Allowed").is_visible()
    reader.press("Export now")
    assert page.get_by_role("table").is_visible()
    reader.press("End the task")
    assert page.get_by_role("heading", name="Refused").is_visible()
    assert reader.complaints == []


def test_somebody_of_the_demo_signs_in_and_is_asked_too(demo: DemoProcess, reader: Reader) -> None:
    page, carol = reader.page, people()["carol"]
    page.goto(f"{demo.web}/northwind/try")
    reader.press("sign in")
    page.get_by_label("Organisation").fill(carol.tenant)
    page.get_by_label("User name").fill("carol")
    page.get_by_label("Password").fill(carol.password)
    reader.press("Sign in")
    reader.press("Confirm that it is you")
    page.locator("input.code").fill("abcdef")
    reader.press("Confirm with code")
    assert page.get_by_role("alert").is_visible()
    reader.type_code(carol.totp_secret)
    reader.press("Confirm with code")
    assert page.get_by_role("heading", name="Allowed").is_visible()
    # The one answer that is no success was the wrong code's.
    assert [one for one in reader.complaints if "400 (Bad Request)" not in one] == []


def test_pages_of_the_demo_hold_to_their_own_security_policy(demo: DemoProcess, reader: Reader) -> None:
    for path in ("/sign-in", "/northwind/try"):
        answer = reader.page.goto(f"{demo.web}{path}", wait_until="networkidle")
        assert answer.status == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert reader.complaints == []


def test_the_operator_looks_around_and_the_browser_blocks_nothing(demo: DemoProcess, reader: Reader) -> None:
    page, olga = reader.page, people()["olga"]
    page.goto(f"{demo.web}/operator/")
    page.get_by_label("Organisation").fill(olga.tenant)
    page.get_by_label("User name").fill("olga")
    page.get_by_label("Password").fill(olga.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/step-up/**")
    reader.type_code(olga.totp_secret)
    page.keyboard.press("Enter")
    page.wait_for_url("**/operator/**")
    for table in ("licensing/tenant", "licensing/subscription", "licensing/planversion", "audit/entry"):
        page.goto(f"{demo.web}/operator/{table}/")
        page.locator("#result_list tbody th a, #result_list tbody td a").first.click()
        page.wait_for_url("**/change/")
    assert reader.complaints == []
