"""The step-up page in Chromium, without scripts of ours: the form's way back to the product is not blocked."""

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from authlevels import api
from isolation.clock import now
from tests.authlevels.acme import BOBS_SECRET, Acme, code

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium"),
]


class _Product(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<title>back at the product</title>")

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def product() -> Iterator[str]:
    """A product's site on another origin."""
    server = HTTPServer(("127.0.0.1", 0), _Product)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_person_types_the_code_and_is_back_at_the_product(
    acme: Acme, live_server: Any, product: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where there is a browser

    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    at = now()
    credential, _ = api.create_credential(
        tenant_id=acme.tenant_id,
        name="local",
        verbs=["step_up.create"],
        return_to_origins=[product],
        by="test",
        at=at,
    )
    bob = acme.assert_bob(at=at)
    opened = api.open_challenge(
        tenant_id=acme.tenant_id,
        decision_id=acme.refused(bob, at=at),
        credential=credential,
        return_to=f"{product}/back",
        state="s1",
        at=at,
    )
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(java_script_enabled=False)
        page.goto(live_server.url + opened.path)
        page.get_by_label("Code from your authenticator app").fill(code(BOBS_SECRET, now()))
        page.get_by_role("button", name="Confirm with code").click()
        page.wait_for_url(f"{product}/back**")
        assert f"challenge={opened.id}&state=s1&code=cmp_" in page.url
        brought = page.url.partition("&code=")[2]
        browser.close()
    assert not acme.is_met(bob, at=now())
    api.redeem(ref=opened.id, code=brought, credential=credential, at=now())
    assert acme.is_met(bob, at=now())
