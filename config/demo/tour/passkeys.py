"""A passkey, made and shown by a real browser's virtual authenticator, where there is a browser."""

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from config.demo.tour.guide import Guide
from config.demo.tour.teller import members

_AUTHENTICATOR: Final = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
_CREATE: Final = """async (options) => (await navigator.credentials.create(
    {publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)})).toJSON()"""
_GET: Final = """async (options) => (await navigator.credentials.get(
    {publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options)})).toJSON()"""


def a_passkey(guide: Guide) -> None:
    """Show a passkey enrolled with a password, then asked for by what changes factors, and good once."""
    teller, web = guide.teller, guide.demo.web
    teller.chapter("Bob has no second factor: his browser makes him a passkey")
    chromium = shutil.which("chromium")
    if chromium is None or importlib.util.find_spec("playwright") is None:
        teller.say("\n  Left out: this needs Chromium (`apt install chromium`) and Playwright.")
        return
    bob, factors = guide.sign_in("bob"), f"{web}/v1/me/factors"
    with _browser(chromium, web) as page:
        asked = members(
            teller.call(
                "What the browser is to ask its authenticator for.", "POST", f"{factors}/passkeys", by=bob, want=201
            )
        )
        made = {"credential": page.evaluate(_CREATE, asked["publicKey"]), "name": "Bob's laptop"}
        added = members(
            teller.call("What it made: enrolled.", "POST", f"{factors}/passkeys/confirm", by=bob, body=made, want=201)
        )
        teller.expect_equal(added["kind"], "passkey", "the kind")
        remove = f"{factors}/{added['id']}"
        refused = teller.call(
            "From now on a password alone changes no factor of his: 401.", "DELETE", remove, by=bob, want=401
        )
        opened = members(
            teller.call(
                "The refusal names the decision that a challenge is opened for.",
                "POST",
                f"{web}/step-up/challenges",
                by=bob,
                body={"decision_id": members(refused)["challenge"]["decision_id"]},
                want=201,
            )
        )
        teller.expect_equal(opened["methods"], ["passkey"], "what would do")
        challenge = f"{web}/step-up/challenges/{opened['challenge_id']}"
        asked = members(
            teller.call(
                "What is to be signed: for this challenge, once.", "POST", f"{challenge}/passkey", by=bob, want=201
            )
        )
        shown = {"method": "passkey", "credential": page.evaluate(_GET, asked["publicKey"])}
    passed = members(
        teller.call("Signed, his finger on the reader.", "POST", f"{challenge}/verify", by=bob, body=shown, want=200)
    )
    teller.expect_equal(passed["level"], "aal2", "the level")
    teller.call(
        "The same answer once more: it was good once.", "POST", f"{challenge}/verify", by=bob, body=shown, want=409
    )
    teller.call("Now the passkey is removed.", "DELETE", remove, by=bob, want=204)


@contextmanager
def _browser(chromium: str, web: str) -> Iterator[Any]:
    """Open a page of the demo's in a browser that has an authenticator."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where there is a browser

    with sync_playwright() as play:
        # Whoever runs this as root, in a container, has no sandbox to give.
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            page = browser.new_page()
            devices = page.context.new_cdp_session(page)
            devices.send("WebAuthn.enable")
            devices.send("WebAuthn.addVirtualAuthenticator", {"options": _AUTHENTICATOR})
            page.goto(f"{web}/sign-in")
            yield page
        finally:
            browser.close()
