"""Passkeys in Chromium, by its own virtual authenticator, our script and our page."""

import json
import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import cbor2
import pytest

from authlevels import api
from authlevels.cookies import session_cookie_name
from authlevels.models import PasskeyDevice
from isolation.clock import now
from tests.authenticator import unb64
from tests.authlevels.acme import ALICES_SECRET, EXPORT, Acme, Asked
from tests.authlevels.with_passkeys import MANAGE, STRONG

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium"),
]
OTHER = Asked(resource=("report", "q4"), action="reports.burn")
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Browser:
    """Alice's browser, signed in, with one virtual authenticator."""

    def __init__(self, acme: Acme, url: str, page: Any) -> None:
        self.acme, self.url, self.page = acme, url, page
        api.put_policy(tenant_id=acme.tenant_id, new_factor_cooldown=0, by="test", at=now())
        self.alice, secret = acme.sign_in_alice(now())
        acme.step_up(self.alice, ALICES_SECRET, MANAGE, at=now())
        page.context.add_cookies([{"name": session_cookie_name(), "value": secret, "url": url}])
        self.cdp = page.context.new_cdp_session(page)
        self.cdp.send("WebAuthn.enable")
        self.device = ""

    def plug_in(self, **more: Any) -> None:
        """Put another authenticator in the place of the one before."""
        if self.device:
            self.cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.device})
        added = self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": {**DEVICE, **more}})
        self.device = added["authenticatorId"]

    def keys(self) -> list[dict[str, Any]]:
        """What the authenticator holds."""
        held: list[dict[str, Any]] = self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.device})[
            "credentials"
        ]
        return held

    def set_count(self, count: int) -> None:
        """Turn the key's counter, as a copy of it would stand."""
        (key,) = self.keys()
        self.cdp.send(
            "WebAuthn.removeCredential", {"authenticatorId": self.device, "credentialId": key["credentialId"]}
        )
        self.cdp.send(
            "WebAuthn.addCredential",
            {"authenticatorId": self.device, "credential": {**key, "signCount": count}},
        )

    def open(self, asked: Asked = EXPORT) -> api.OpenedChallenge:
        """Open the page of a challenge."""
        challenge = self.acme.challenge(self.alice, asked, at=now())
        self.page.goto(f"{self.url}/step-up/{challenge.id}")
        return challenge

    def press(self) -> None:
        """Confirm with the passkey, which may stand below what was used last."""
        self.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        self.page.get_by_role("button", name="Confirm with passkey").click()

    def made(self) -> str:
        """Have the script make a key on any page of ours, and return what it would send."""
        sent: list[str] = []

        def take(route: Any) -> None:
            sent.append(parse_qs(route.request.post_data)["credential"][0])
            route.fulfill(body="taken")

        self.page.route("**/taken", take)
        self.open(OTHER)
        self.page.evaluate(
            """() => {
                const form = document.forms[0].cloneNode(true);
                form.action = "/taken";
                form.dataset.passkeyCreate = "/v1/me/factors/passkeys";
                delete form.dataset.passkeyGet;
                form.innerHTML = form.querySelector("[name=csrfmiddlewaretoken]").outerHTML
                    + "<input type=hidden name=credential><button>Make a key</button>";
                document.querySelector("main").append(form);
            }"""
        )
        self.page.evaluate("document.querySelectorAll('script').forEach((one) => one.remove())")
        self.page.add_script_tag(url="/static/authlevels/passkey.js", type="module")
        self.page.get_by_role("button", name="Make a key").click()
        self.page.wait_for_url("**/taken")
        return sent[0]

    def enrol(self, settings: Any = None) -> PasskeyDevice:
        """Enrol what the authenticator makes.

        settings: take the word of whoever made it; Chromium writes its authenticators a certificate each time.
        """
        if settings is not None:
            settings.ATTESTATION_ROOTS = [b"somebody's, so that the make is asked for"]
        made = self.made()
        if settings is not None:
            attested = cbor2.loads(unb64(json.loads(made)["response"]["attestationObject"]))
            settings.ATTESTATION_ROOTS = [attested["attStmt"]["x5c"][0]]
        facts = self.acme.facts(self.alice, now())
        api.confirm_passkey_enrolment(session=self.alice, facts=facts, credential=made, at=now())
        found: PasskeyDevice = PasskeyDevice.objects.latest("created_at")
        return found


@pytest.fixture
def browser(acme: Acme, live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where there is a browser

    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    settings.WEBAUTHN_ORIGINS = [live_server.url]
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page()
        page.set_default_timeout(15_000)
        found = Browser(acme, live_server.url, page)
        found.plug_in()
        yield found
        chromium.close()


def test_a_key_is_made_and_confirms_on_the_page_once(browser: Browser) -> None:
    device = browser.enrol()
    assert (device.is_sync_capable, device.can_verify_user, device.transports) == (False, True, ["internal"])
    challenge = browser.open()
    with browser.page.expect_request("**/step-up/chl_*") as posted:
        browser.press()
    browser.page.get_by_text("It is confirmed that it is you.").wait_for()
    assert browser.acme.is_met(browser.alice, at=now())
    sent = parse_qs(posted.value.post_data)["credential"][0]
    again = browser.acme.challenge(browser.alice, OTHER, at=now())
    with pytest.raises(api.PasskeyRefused) as refused:
        api.verify(
            ref=again.id,
            method=api.ChallengeMethod.PASSKEY,
            credential=sent,
            presenter=api.Presenter(session=browser.alice),
            at=now(),
        )
    assert refused.value.extra["why"] == "not_asked", "the same answer again is none"
    assert challenge.id != again.id


def test_a_key_is_added_on_the_accounts_page_once_and_confirms(browser: Browser) -> None:
    page = browser.page
    page.goto(f"{browser.url}/account/security/passkeys/new")
    page.get_by_label("What you call it").fill("My laptop")
    page.get_by_role("button", name="Make the passkey").click()
    page.wait_for_url("**/account/security?done=added")
    page.get_by_role("heading", name="My laptop").wait_for()
    page.goto(f"{browser.url}/account/security/passkeys/new")
    page.get_by_role("button", name="Make the passkey").click()
    page.get_by_text("This passkey is enrolled already.").wait_for()
    assert [one.name for one in PasskeyDevice.objects.all()] == ["My laptop"]
    browser.open()
    browser.press()
    page.get_by_text("It is confirmed that it is you.").wait_for()
    assert browser.acme.is_met(browser.alice, at=now())


def test_a_key_is_added_with_a_code_that_was_kept(browser: Browser) -> None:
    at, page = now(), browser.page
    codes = api.create_recovery_codes(session=browser.alice, facts=browser.acme.facts(browser.alice, at), at=at)
    page.goto(f"{browser.url}/account/security/recover")
    page.get_by_label("Recovery code").fill(codes[0])
    page.get_by_role("button", name="Use the code").click()
    form = page.get_by_role("form", name="A passkey")
    form.get_by_label("What you call it").fill("My next laptop")
    form.get_by_role("button", name="Make the passkey").click()
    page.wait_for_url("**/account/security?done=added")
    page.get_by_role("heading", name="My next laptop").wait_for()


def test_an_unverified_user_is_refused_by_the_browser_and_behind_its_back(browser: Browser, settings: Any) -> None:
    browser.plug_in(transport="usb")
    browser.enrol(settings)
    browser.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": browser.device, "isUserVerified": False})
    browser.open(STRONG)
    browser.press()
    browser.page.get_by_text("Nothing was confirmed").wait_for()

    def discourage(route: Any) -> None:
        asked = route.fetch().json()
        assert asked["publicKey"]["userVerification"] == "required"
        asked["publicKey"]["userVerification"] = "discouraged"
        route.fulfill(json=asked)

    browser.page.route("**/passkey", discourage)
    browser.press()
    browser.page.get_by_text("Your device did not check that it is you").wait_for()
    assert not browser.acme.is_met(browser.alice, STRONG, at=now())


def test_a_counter_that_went_back_is_refused_and_ends_the_key(browser: Browser) -> None:
    device = browser.enrol()
    browser.set_count(max(0, device.sign_count - 1))
    browser.open()
    browser.press()
    browser.page.get_by_text("There seem to be two of this passkey.").wait_for()
    device.refresh_from_db()
    assert device.disabled_at is not None
    assert not browser.acme.is_met(browser.alice, at=now())


def test_a_key_that_can_be_synced_is_never_aal3_whoever_made_it(browser: Browser, settings: Any) -> None:
    browser.plug_in(transport="usb")
    assert browser.enrol(settings).is_attested
    assert api.ChallengeMethod.PASSKEY in browser.acme.challenge(browser.alice, STRONG, at=now()).methods
    PasskeyDevice.objects.all().delete()
    browser.plug_in(transport="usb", defaultBackupEligibility=True, defaultBackupState=True)
    synced = browser.enrol(settings)
    assert (synced.is_attested, synced.is_sync_capable, synced.is_synced) == (True, True, True)
    with pytest.raises(api.DecisionNotChallengeable):
        browser.acme.challenge(browser.alice, STRONG, at=now())
