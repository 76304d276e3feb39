"""Our pages in Chromium under their own policy: by keyboard alone, on a phone's width, and as axe sees them."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from authlevels import api
from isolation.clock import now
from tests.authlevels.acme import ALICES_SECRET, PASSWORD, Acme, Asked, code
from tests.decisions.asking import ask, payment
from tests.decisions.conftest import PASSWORD as PEOPLES_PASSWORD
from tests.decisions.conftest import World, client, world
from tests.decisions.test_a_program_waits_for_a_person import _quick_passwords, people
from tests.decisions.test_others_have_to_agree import house
from tiergate import Level, Requirement, Scope

__all__ = ["_quick_passwords", "client", "house", "people", "world"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium"),
]
TOUCHING = """() => {
    const shown = [...document.querySelectorAll("main button")].map(one => [one, one.getBoundingClientRect()])
        .filter(([one]) => one.checkVisibility());
    return shown.slice(1).filter(([_, box], before) => {
        const last = shown[before][1];
        return Math.max(box.top - last.bottom, box.left - last.right) < 4;
    }).map(([one]) => one.innerText);
}"""
"""The buttons that a thumb meant for the one before could press."""
HOME = "/account/security"
PHONE: Any = {"width": 360, "height": 740}
DESK: Any = {"width": 1280, "height": 800}
PAYMENT = Asked(
    action="invoice.pay",
    resource=("invoice", "INV-2026-0007"),
    fields={
        "resource.properties.amount": 120_000,
        "resource.properties.currency": "EUR",
        "resource.properties.payee": "Kontor für Büromöbel und Donaudampfschifffahrtsgesellschaftskapitäne GmbH & Co. KG",
    },
    requirement=Requirement(level=Level.AAL1, max_age=300, scope=Scope.TRANSACTION),
)


@pytest.fixture
def chromium(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A browser whose pages know the site's address."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where there is a browser

    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser.new_context(base_url=live_server.url, viewport=PHONE)
        browser.close()


def opened(chromium: Any) -> tuple[Any, list[str]]:
    """Open a page, and list what its browser complains of: a script or style that the policy forbids, an error."""
    page, complaints = chromium.new_page(), []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, complaints


def sign_in(page: Any) -> api.Session:
    """Sign Alice in by keyboard alone."""
    page.goto("/sign-in")
    page.locator("#tenant:focus").wait_for()
    for typed in ("acme", "alice", PASSWORD):
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
    secret = next(one["value"] for one in page.context.cookies() if one["name"] == "tiergate")
    session = api.resolve_session_secret(secret, at=now())
    assert session is not None
    return session


def look(page: Any, name: str) -> None:
    """See that a page has nothing that axe finds serious, in light and dark, and fits a phone and a desk."""
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # noqa: PLC0415 - as above

    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page).response["violations"]
        grave = [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in {"serious", "critical"}]
        assert grave == [], (name, scheme)
    for size in (PHONE, DESK):
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (name, size)
        assert page.evaluate(TOUCHING) == [], (name, size)
    page.set_viewport_size(PHONE)


def press(page: Any, label: str) -> None:
    """Go to a button or link by the Tab key alone, and press it."""
    for _ in range(80):
        page.keyboard.press("Tab")
        held = page.evaluate("document.activeElement.innerText || ''")
        if held.strip().startswith(label):
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"no key leads to {label!r}")


def mistype_a_new_password(page: Any) -> None:
    """Look at the page of the password, and at what it says to a slip, by keyboard alone."""
    press(page, "Change your password")
    page.wait_for_url("**/password")
    look(page, "password")
    page.locator("input:focus").wait_for()
    for typed in ("wrong", "another one", "yet another"):
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("The new password is not twice the same.").wait_for()
    look(page, "password-refused")


def test_a_colleague_picks_the_number_and_reads_what_they_agree_to(people: World, chromium: Any) -> None:
    page, complaints = opened(chromium)
    refused = ask(Client(), people.acme_key, payment(1200, session=people.asserted()))
    body = {"decision_id": refused["context"]["approval"]["decision_id"]}
    begun = ask(Client(), people.acme_key, body, path="/step-up/approvals", status=201)
    page.goto(f"/activate?code={begun['user_code']}")
    page.locator("#tenant:focus").wait_for()
    for typed in ("acme", "paul", PEOPLES_PASSWORD):
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/activate?code=**")
    look(page, "code")
    page.keyboard.press("Enter")
    page.get_by_text("Pick the number").wait_for()
    look(page, "number")
    press(page, str(begun["number"]))
    page.wait_for_url("**/activate/apr_**")
    look(page, "agree")
    assert complaints == []


@pytest.mark.usefixtures("acme")
def test_a_form_goes_on_after_the_step_up_in_two_tabs_each_once(chromium: Any) -> None:
    page, complaints = opened(chromium)
    alice = sign_in(page)
    other, others = opened(chromium)
    for tab in (page, other):
        tab.goto(HOME)
    look(page, "security")
    press(page, "Rename")
    page.get_by_label("What you call it").fill("My old phone")
    page.keyboard.press("Enter")
    page.wait_for_url("**/step-up/chl_**")
    press(other, "Rename")
    other.get_by_label("What you call it").fill("My new phone")
    other.keyboard.press("Enter")
    other.wait_for_url("**/step-up/chl_**")
    look(page, "step-up")
    page.locator("input[name=code]:focus").wait_for()
    page.keyboard.type(code(ALICES_SECRET, now()))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{HOME}?done=renamed")
    look(page, "renamed")
    names = [one.name for one in api.list_factors(user_id=alice.user_id)]
    assert names == ["Password", "My old phone"]
    # The other tab's confirmation was given by the first: it goes on from there, with its own name.
    other.reload()
    press(other, "Go back and continue")
    other.wait_for_url(f"**{HOME}?done=renamed")
    assert [one.name for one in api.list_factors(user_id=alice.user_id)] == ["Password", "My new phone"]
    other.go_back()
    assert [one.name for one in api.list_factors(user_id=alice.user_id)] == ["Password", "My new phone"]
    assert (complaints, others) == ([], [])


def test_whoever_is_asked_reads_the_sum_and_says_that_it_was_not_them(acme: Acme, chromium: Any) -> None:
    page, complaints = opened(chromium)
    alice = sign_in(page)
    challenge = acme.challenge(alice, PAYMENT, at=now())
    page.goto(challenge.path)
    assert page.get_by_text("1,200.00 EUR").is_visible()
    look(page, "payment")
    press(page, "This was not me")
    page.get_by_role("heading", name="Refused").wait_for()
    look(page, "refused")
    assert complaints == []


def test_every_page_of_the_account_is_for_everybody(acme: Acme, chromium: Any) -> None:
    page, complaints = opened(chromium)
    page.goto("/sign-in")
    look(page, "sign-in")
    alice = sign_in(page)
    acme.sign_in_alice(at=now())
    page.goto(f"{HOME}/passkeys/new")
    page.wait_for_url("**/step-up/chl_**")
    page.get_by_label("Code from your authenticator app").fill(code(ALICES_SECRET, now()))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{HOME}/passkeys/new")
    look(page, "add-passkey")
    page.goto(HOME)
    look(page, "sessions")
    press(page, "Replace")
    page.wait_for_url("**/apps/new?replaces=**")
    look(page, "add-app")
    press(page, "Show its secret")
    page.get_by_role("img", name="QR code of the secret below").wait_for()
    look(page, "scan-app")
    page.goto(HOME)
    press(page, "Make recovery codes")
    page.wait_for_url("**/recovery-codes/new")
    press(page, "Make ten codes")
    page.get_by_role("heading", name="Keep these").wait_for()
    assert page.locator(".codes code").count() == 10
    look(page, "recovery-codes")
    kept = page.locator(".codes code").first.inner_text()
    page.goto(HOME)
    mistype_a_new_password(page)
    assert "400 (Bad Request)" in complaints.pop()
    page.goto(HOME)
    press(page, "Use one")
    page.wait_for_url("**/recover")
    look(page, "recover")
    page.locator("input[name=code]:focus").wait_for()
    page.keyboard.type(kept)
    page.keyboard.press("Enter")
    page.get_by_text("9 codes left").wait_for()
    look(page, "recovered")
    press(page, "Show its secret")
    page.get_by_role("heading", name="Replace your authenticator app").wait_for()
    look(page, "scan-replacement")
    page.goto(HOME)
    press(page, "Sign out everywhere else")
    page.wait_for_url(f"**{HOME}?done=others")
    assert len(api.list_own_sessions(session=alice, at=now())) == 1
    assert complaints == []
