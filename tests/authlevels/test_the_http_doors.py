"""The JSON doors: who may call them, and what they do with bodies that are none."""

import json
from typing import Any

import pyotp
import pytest
from django.test import Client

import licensing.api
from authlevels import api
from isolation.clock import now
from tests.authlevels.acme import ALICES_SECRET, BOBS_SECRET, PASSWORD, Acme, code


def call(method: str, path: str, body: Any = None, *, secret: str = "") -> Any:
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    content: dict[str, Any] = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    return Client().generic(method, path, headers=headers, **content)


def sign_in(username: str = "alice", password: str = PASSWORD, tenant: str = "acme") -> Any:
    return call("POST", "/v1/sign-in", {"tenant": tenant, "username": username, "password": password})


def put_dave(acme: Acme) -> None:
    """Somebody with a password alone."""
    api.put_user(subject_id="dave", password=PASSWORD, at=now())
    licensing.api.put_member(
        tenant_id=acme.tenant_id, subject_type="account", subject_id="dave", roles=["member"], by="test", at=now()
    )


BOB = {"subject": {"type": "user", "id": "bob"}, "amr": ["pwd"], "idp": "okta"}


@pytest.mark.usefixtures("acme")
def test_a_person_signs_in_looks_and_signs_out() -> None:
    answer = sign_in()
    assert answer.status_code == 201
    secret = answer.json()["secret"]
    me = call("GET", "/v1/me", secret=secret)
    assert me.status_code == 200, me.content
    assert me.json()["level"] == "aal1"
    assert [one["kind"] for one in me.json()["factors"]] == ["password", "totp"]
    assert ALICES_SECRET not in me.content.decode()
    assert call("POST", "/v1/sign-out", secret=secret).status_code == 204
    assert call("GET", "/v1/me", secret=secret).status_code == 401


@pytest.mark.usefixtures("acme")
def test_every_failed_sign_in_is_answered_alike() -> None:
    answers = [sign_in(password="x"), sign_in(username="nobody"), sign_in(tenant="nowhere"), sign_in(tenant="..")]
    assert {(one.status_code, one.json()["code"], one.json()["detail"]) for one in answers} == {
        (401, "sign_in_failed", "The name, the password or the tenant is not right.")
    }


def test_a_product_vouches_steps_up_by_relay_and_ends_the_task(acme: Acme) -> None:
    at = now()
    asserted = call("POST", "/t/acme/sessions", {**BOB, "auth_time": at.timestamp()}, secret=acme.secret)
    assert asserted.status_code == 201, asserted.content
    handle = asserted.json()["session"]
    bob_id = api.parse_session_handle(handle)
    facts = api.session_facts(tenant_id=acme.tenant_id, session=handle, subject=("user", "bob"), at=now())
    assert facts.state == "live"
    bob = acme.assert_bob(at=at)
    ref = acme.refused(bob, at=at)
    opened = call(
        "POST",
        "/step-up/challenges",
        {"decision_id": ref, "return_to": "https://reports.example/", "state": "s"},
        secret=acme.secret,
    )
    assert opened.status_code == 201, opened.content
    challenge = opened.json()["challenge_id"]
    assert opened.json()["url"].startswith("http://localhost:8000/step-up/chl_")
    shown = call("GET", f"/step-up/challenges/{challenge}", secret=acme.secret)
    assert shown.json()["methods"] == ["totp"]
    verify = f"/step-up/challenges/{challenge}/verify"
    wrong = call("POST", verify, {"method": "totp", "code": "000000"}, secret=acme.secret)
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["attempts_left"]) == (400, "wrong_code", 9)
    stranger = call("POST", verify, {"method": "totp", "code": code(BOBS_SECRET, now())})
    assert stranger.status_code == 404
    right = call("POST", verify, {"method": "totp", "code": code(BOBS_SECRET, now())}, secret=acme.secret)
    assert (right.status_code, right.json()["state"]) == (200, "passed")
    ended = [call("DELETE", f"/step-up/elevations/{right.json()['elevation_id']}", secret=acme.secret) for _ in "ab"]
    assert [one.status_code for one in ended] == [204, 204]
    assert not acme.is_met(bob, at=now())
    gone = call("DELETE", f"/t/acme/sessions/{handle}", secret=acme.secret)
    assert gone.status_code == 204
    assert bob_id


def test_a_person_answers_with_their_own_secret_and_keeps_it(acme: Acme) -> None:
    alice, secret = acme.sign_in_alice(now())
    ref = acme.refused(alice, at=now())
    opened = call("POST", "/step-up/challenges", {"decision_id": ref}, secret=secret)
    assert opened.status_code == 201, opened.content
    verify = f"/step-up/challenges/{opened.json()['challenge_id']}/verify"
    right = call("POST", verify, {"method": "totp", "code": code(ALICES_SECRET, now())}, secret=secret)
    assert right.json()["state"] == "passed"
    assert api.resolve_session_secret(secret, at=now()) is not None


def test_a_first_app_is_enrolled_over_http(acme: Acme) -> None:
    put_dave(acme)
    secret = sign_in("dave").json()["secret"]
    begun = call("POST", "/v1/me/factors/totp", {}, secret=secret)
    assert begun.status_code == 201, begun.content
    shown = code(pyotp.parse_uri(begun.json()["otpauth_uri"]).secret, now())
    confirmed = call("POST", "/v1/me/factors/totp/confirm", {"code": shown}, secret=secret)
    assert confirmed.status_code == 201, confirmed.content
    refused = call("DELETE", f"/v1/me/factors/{confirmed.json()['id']}", secret=secret)
    assert refused.status_code == 401
    assert 'acr_values="' in refused["WWW-Authenticate"]
    assert "insufficient_user_authentication" in refused["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("path", "by"),
    [
        ("/v1/sign-in", ""),
        ("/t/acme/sessions", "service"),
        ("/step-up/challenges", "service"),
        ("/step-up/challenges/chl_x/verify", "service"),
        ("/v1/me/factors/totp", "person"),
        ("/v1/me/factors/totp/confirm", "person"),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"[" * 60000,
        b"\xff\xfe",
        b'{"tenant": NaN}',
        b"{" + b" " * 70000 + b"}",
        b'{"decision_id": "\\u0000", "tenant": "\\u0000", "username": "\\u0000", "password": "\\u0000", "name": "\\u0000"}',
        b'{"decision_id": "\\ud800", "tenant": "\\ud800", "username": "\\ud800", "password": "\\ud800", "name": "\\ud800"}',
        b'{"subject": [], "amr": {}, "auth_time": 1e999, "idp": 1, "name": [], "code": {}, "method": []}',
    ],
)
def test_a_body_that_is_none_is_400_and_never_500(acme: Acme, path: str, by: str, body: bytes) -> None:
    if by == "person":
        put_dave(acme)
    secret = {"service": acme.secret, "person": by and sign_in("dave").json().get("secret", "")}.get(by, "")
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    answer = Client().generic("POST", path, data=body, content_type="application/json", headers=headers)
    # Every member of a begun enrolment may be left out, and so may the body.
    assert answer.status_code == (201 if path.endswith("totp") and body == b"" else 400), answer.content


@pytest.mark.parametrize(
    "said",
    [
        {"auth_time": "yesterday"},
        {"auth_time": True},
        {"auth_time": -1},
        {"auth_time": 1e300},
        {"auth_time": "0001-01-01T00:00:00+14:00"},
        {"auth_time": "9999-12-31T23:59:59-14:00"},
        {"ip": "fe80::1%eth0"},
        {"ip": "999.1.1.1"},
        {"ip": "1.2.3.4:80"},
        {"amr": ["x" * 33]},
        {"subject": {"type": "account", "id": "alice"}},
        {"subject": {"type": "user", "id": ""}},
        {"expires_at": "2001-01-01T00:00:00Z"},
    ],
)
def test_an_assertion_that_cannot_be_is_400(acme: Acme, said: dict[str, Any]) -> None:
    body = {**BOB, "auth_time": now().isoformat(), **said}
    assert call("POST", "/t/acme/sessions", body, secret=acme.secret).status_code == 400


def test_a_stranger_is_404_and_another_tenant_is_refused(acme: Acme, globex: Acme) -> None:
    body = {**BOB, "auth_time": now().isoformat(), "subject": {"type": "user", "id": "nobody"}}
    assert call("POST", "/t/acme/sessions", body, secret=acme.secret).status_code == 404
    assert call("POST", "/t/acme/sessions", {**body, **BOB}, secret=globex.secret).status_code == 403
    bob = acme.assert_bob(at=now())
    assert call("DELETE", f"/t/globex/sessions/{bob.handle}", secret=globex.secret).status_code == 404
    assert call("DELETE", f"/t/acme/sessions/{bob.handle}", secret=globex.secret).status_code == 403


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer x", "Basic eDp5", "Bearer tgs_\x7f", "Bearer tgk_" + "0" * 999]
)
def test_a_bad_header_is_nobody_even_beside_a_good_cookie(acme: Acme, header: str) -> None:
    browser = Client()
    _, secret = acme.sign_in_alice(now())
    browser.cookies["tiergate"] = secret
    assert browser.get("/v1/me").status_code == 200
    assert browser.get("/v1/me", headers={"Authorization": header}).status_code == 401


def test_a_cookie_alone_changes_nothing_without_a_csrf_token(acme: Acme) -> None:
    browser = Client(enforce_csrf_checks=True)
    _, secret = acme.sign_in_alice(now())
    browser.cookies["tiergate"] = secret
    assert browser.post("/v1/sign-out").status_code == 403
    assert api.resolve_session_secret(secret, at=now()) is not None


def test_a_session_handle_signs_nobody_in(acme: Acme) -> None:
    alice, _ = acme.sign_in_alice(now())
    assert call("GET", "/v1/me", secret=alice.handle).status_code == 401
