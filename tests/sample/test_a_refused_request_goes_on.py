"""A browser's refused request waits for its confirmation, and then goes on once, through the same door."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from django.test import Client

from authlevels.cookies import session_cookie_name
from authlevels.forgetting import forget_suspended
from authlevels.models import SuspendedRequest
from authlevels.public_ids import parse_suspended_ref
from config.demo.people import people
from isolation.api import tenant_transaction
from isolation.clock import now
from licensing import api as licensing
from sample.models import Payment
from tests.attacks.parallel import at_once

PAGE: dict[str, Any] = {
    "HTTP_ACCEPT": "text/html,application/xhtml+xml,*/*;q=0.8",
    "HTTP_SEC_FETCH_SITE": "same-origin",
}
PAYMENT = {"reference": "INV-7", "amount": 125_000, "payee": "Kontor GmbH"}


@dataclass
class Browser:
    """Carol's browser, which keeps her session in a cookie; forgery is looked for."""

    client: Client = field(default_factory=lambda: Client(enforce_csrf_checks=True))
    shown_codes: int = 0

    def token(self) -> str:
        """Give the token against forgery, as a page of the site holds it."""
        page = self.client.get("/sign-in").content.decode()
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert found
        return found[1]

    def send(self, path: str, body: object, **headers: Any) -> Any:
        """Send JSON, as a page with a script or a form of ours would."""
        return self.client.post(
            path, json.dumps(body), content_type="application/json", HTTP_X_CSRFTOKEN=self.token(), **headers
        )

    def form(self, path: str, **fields: str) -> Any:
        """Send a form of the page."""
        return self.client.post(path, {**fields, "csrfmiddlewaretoken": self.token()}, **PAGE)

    def confirm(self, resume: str) -> Any:
        """Follow a waiting request to its step-up, and confirm there."""
        asked = self.client.get(resume, **PAGE)
        assert asked.status_code == 303, asked.content
        assert asked["Location"].startswith("/step-up/chl_")
        code = pyotp.TOTP(people()["carol"].totp_secret).at(now(), counter_offset=self.shown_codes)
        self.shown_codes += 1
        return self.form(asked["Location"], method="totp", code=code)


@pytest.fixture
def carol(northwind: None) -> Browser:
    browser = Browser()
    known = people()["carol"]
    signed_in = browser.form("/sign-in", tenant=known.tenant, username="carol", password=known.password)
    assert signed_in.status_code == 303
    return browser


def paid() -> list[tuple[str, int]]:
    with tenant_transaction(licensing.get_tenant("globex").id):
        return list(Payment.objects.values_list("reference", "amount"))


def body_at_rest() -> bytes:
    with tenant_transaction(licensing.get_tenant("globex").id):
        (row,) = SuspendedRequest.objects.all()
    return bytes(row.body_sealed or b"")


def resume_of(refused: Any) -> str:
    assert refused.status_code == 303, refused.content
    path = str(refused["Location"])
    assert path.startswith("/step-up/resume/rsm_")
    return path


def test_a_page_is_sent_to_the_step_up_and_its_post_goes_on_once(carol: Browser) -> None:
    path = resume_of(carol.send("/northwind/payments", PAYMENT, **PAGE))
    assert b"Kontor" not in body_at_rest()
    # What goes on before it is confirmed is not used up by that.
    assert carol.form(path)["Location"].startswith("/step-up/chl_")
    assert paid() == []
    passed = carol.confirm(path)
    assert (passed.status_code, passed["Location"]) == (303, f"{path}?confirmed")
    assert paid() == []
    ready = carol.client.get(f"{path}?confirmed", **PAGE).content.decode()
    assert "data-go-on" in ready
    assert "Approve a payment" in ready
    done = carol.form(path)
    assert (done.status_code, paid()) == (201, [("INV-7", 125_000)])
    assert body_at_rest() == b""
    again = carol.form(path)
    assert again.status_code == 409
    assert "Already done" in again.content.decode()
    assert "Already done" in carol.client.get(path, **PAGE).content.decode()
    assert paid() == [("INV-7", 125_000)]


def test_of_many_tabs_that_go_on_at_once_one_does_and_another_tabs_waits_for_a_confirmation_of_its_own(
    carol: Browser,
) -> None:
    path, other = (resume_of(carol.send("/northwind/payments", PAYMENT, **PAGE)) for _ in "ab")
    assert path != other
    carol.confirm(other)
    token, cookies = carol.token(), dict(carol.client.cookies)

    def go_on(_number: int) -> int:
        tab = Client(enforce_csrf_checks=True)
        tab.cookies.update(cookies)
        return tab.post(path, {"csrfmiddlewaretoken": token}, **PAGE).status_code

    assert sorted(map(str, at_once(go_on, 6))) == ["201", *["409"] * 5]
    # The same payment, asked for in another tab, is decided about anew: the confirmation is used up.
    assert carol.form(other)["Location"].startswith("/step-up/chl_")
    assert paid() == [("INV-7", 125_000)]


def test_a_get_is_followed(carol: Browser) -> None:
    path = resume_of(carol.client.get("/v1/tenants/globex/audit?limit=2", **PAGE))
    assert carol.confirm(path)["Location"] == f"{path}?confirmed"
    onward = carol.client.get(f"{path}?confirmed", **PAGE)
    assert (onward.status_code, onward["Location"]) == (303, "/v1/tenants/globex/audit?limit=2")
    assert carol.client.get(onward["Location"], **PAGE).status_code == 200


def test_a_script_is_told_where_its_request_waits_and_goes_on_itself(carol: Browser) -> None:
    refused = carol.send("/northwind/payments", PAYMENT, HTTP_ACCEPT="application/json")
    assert refused.status_code == 401
    path = refused.json()["resume"]["href"].removeprefix("http://localhost:8000")
    assert path == f"/step-up/resume/{refused.json()['resume']['id']}"
    assert carol.client.get(path, HTTP_ACCEPT="application/json").json()["state"] == "waiting"
    assert carol.confirm(path).status_code == 303
    assert "data-go-on" not in carol.client.get(f"{path}?confirmed", **PAGE).content.decode()
    assert carol.client.get(path, HTTP_ACCEPT="application/json").json()["state"] == "ready"
    done = carol.send(path, {}, HTTP_ACCEPT="application/json")
    assert (done.status_code, done.json()["reference"]) == (201, "INV-7")
    again = carol.send(path, {}, HTTP_ACCEPT="application/json")
    assert (again.status_code, again.json()["code"]) == (409, "already_resumed")


def test_a_request_that_waits_is_nobody_elses_and_goes_on_by_no_other_site(carol: Browser) -> None:
    path = resume_of(carol.send("/northwind/payments", PAYMENT, **PAGE))
    carol.confirm(path)
    assert carol.client.post(path, **PAGE).status_code == 403
    stranger = Browser()
    assert stranger.form(path).status_code == 403
    known = people()["bob"]
    stranger.form("/sign-in", tenant=known.tenant, username="bob", password=known.password)
    assert stranger.form(path).status_code == 404
    other = Browser()
    known = people()["carol"]
    other.form("/sign-in", tenant=known.tenant, username="carol", password=known.password)
    assert other.form(path).status_code == 404
    assert paid() == []


def test_a_request_that_waits_goes_on_in_the_browser_that_made_it_and_in_no_other_of_its_session(
    carol: Browser,
) -> None:
    """Whoever stole the cookie plants a payment and mails the link: neither browser goes on with the other's."""
    thief, name = Browser(), session_cookie_name()
    thief.client.cookies[name] = carol.client.cookies[name].value
    planted = resume_of(thief.send("/northwind/payments", PAYMENT, **PAGE))
    mine = resume_of(carol.send("/northwind/payments", {**PAYMENT, "payee": "Bakery"}, **PAGE))
    for browser, path in ((carol, planted), (thief, mine)):
        assert browser.client.get(f"{path}?confirmed", **PAGE).status_code == 404
        assert browser.form(path).status_code == 404
    carol.confirm(mine)
    unmarked = Browser()
    unmarked.client.cookies[name] = carol.client.cookies[name].value
    assert unmarked.form(mine).status_code == 404
    with tenant_transaction(licensing.get_tenant("globex").id):
        SuspendedRequest.objects.filter(id=parse_suspended_ref(mine.split("/")[-1])[1]).update(browser_digest=None)  # type: ignore[index]  # one that the release before left
    assert carol.form(mine).status_code == 404
    assert paid() == []


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", ""])
def test_where_another_site_or_a_mail_leads_there_nothing_goes_on_by_itself(carol: Browser, site: str) -> None:
    path = resume_of(carol.send("/northwind/payments", PAYMENT, **PAGE))
    carol.confirm(path)
    page = carol.client.get(f"{path}?confirmed", **PAGE | {"HTTP_SEC_FETCH_SITE": site}).content.decode()
    assert "data-go-on" not in page
    assert "Approve a payment" in page
    assert paid() == []


@pytest.mark.parametrize("odd", [{"HTTP_IF_MATCH": "a\x00b"}, {"HTTP_PREFER": "x" * 5000}])
def test_what_could_not_go_on_as_it_was_is_refused_as_ever_and_waits_for_nothing(
    carol: Browser, odd: dict[str, str]
) -> None:
    assert carol.send("/northwind/payments", PAYMENT, **PAGE | odd).status_code == 401
    with tenant_transaction(licensing.get_tenant("globex").id):
        assert not SuspendedRequest.objects.exists()
    assert resume_of(carol.send("/northwind/payments", PAYMENT, **PAGE))


def test_at_most_twenty_requests_of_a_session_wait_whatever_is_read_meanwhile_and_none_of_a_bearer(
    carol: Browser, signed_in: Callable[[str], Any]
) -> None:
    refused: Any = signed_in("carol").send("POST", "/northwind/payments", PAYMENT)
    assert refused.status_code == 401
    assert "resume" not in refused.json()
    token = carol.token()
    paths = [
        resume_of(
            carol.client.post(
                "/northwind/payments",
                json.dumps({**PAYMENT, "reference": f"INV-{number}"}),
                content_type="application/json",
                HTTP_X_CSRFTOKEN=token,
                **PAGE,
            )
        )
        for number in range(22)
    ]
    with tenant_transaction(licensing.get_tenant("globex").id):
        assert SuspendedRequest.objects.count() == 20
    assert forget_suspended(at=now()) == 0
    assert carol.client.get(paths[0], **PAGE).status_code == 404
    assert carol.client.get(paths[-1], **PAGE).status_code == 303
    # Another site can have the browser ask for a page, as often as it likes: that pushes out nothing that was sent.
    for number in range(21):
        resume_of(carol.client.get(f"/v1/tenants/globex/audit?limit={number + 1}", **PAGE))
    assert carol.client.get(paths[2], **PAGE).status_code == 303
    assert forget_suspended(at=now() + timedelta(minutes=15)) == 40
    assert carol.client.get(paths[-1], **PAGE).status_code == 404
