"""Pitfalls 7, 13 and 18; Keycloak CVE-2026-18963 and CVE-2026-3429; ZITADEL CVE-2026-105211 and -27946; django-two-factor-auth
GHSA-vhr6-pvjm-9qwf: other ways to the same end, each of them shut.
"""

import json
from inspect import signature
from typing import Any

import pytest
from celery import current_app
from django.apps import apps
from django.conf import settings
from django.test import Client
from django.urls import URLPattern

import audit.api
from authlevels import api
from authlevels.models import ProofRow, SessionRow, SuspendedRequest
from console import urls
from isolation import clock
from isolation.api import tenant_transaction
from tests.authlevels.acme import ALICES_SECRET, BOBS_SECRET, EXPORT, NOON, PASSWORD, Acme, Asked, code, later
from tests.authlevels.with_passkeys import MANAGE
from tiergate import Action, Level, Requirement

WIDE = Asked(requirement=Requirement(level=Level.AAL2))
STALE = Asked(requirement=Requirement(level=Level.AAL2, max_age=300))


def _post(path: str, body: Any, secret: str) -> Any:
    headers = {"Authorization": f"Bearer {secret}"}
    return Client().post(path, json.dumps(body), content_type="application/json", headers=headers)


def test_another_way_needs_the_proof_of_that_way(acme: Acme) -> None:
    """A challenge that needs two is passed by the two, whichever is tried in whose place."""
    alice, _ = acme.sign_in_alice()
    api.touch_session(tenant_id=acme.tenant_id, session_id=alice.id, at=later(3700))
    at = later(3701)
    challenge = acme.challenge(alice, WIDE, at=at)
    assert set(challenge.methods) == {"totp", "password"}
    right = code(ALICES_SECRET, at)
    with pytest.raises(api.WrongCode):
        acme.show(challenge, PASSWORD, at=at)
    with pytest.raises(api.WrongCode):
        acme.show(challenge, right, at=at, method="password")
    first = acme.show(challenge, PASSWORD, at=at, method="password")
    assert isinstance(first, api.StillOpen)
    assert set(first.methods) == {"totp"}
    with pytest.raises(api.MethodUnavailable):
        acme.show(challenge, PASSWORD, at=at, method="password")
    with pytest.raises(api.MethodUnavailable):
        acme.show(challenge, "{}", at=at, method="passkey")
    assert not acme.is_met(alice, WIDE, at=at)
    assert isinstance(acme.show(challenge, right, at=at), api.Passed)


def test_half_an_answer_counts_in_no_other_challenge(acme: Acme) -> None:
    alice, _ = acme.sign_in_alice()
    api.touch_session(tenant_id=acme.tenant_id, session_id=alice.id, at=later(3700))
    at = later(3701)
    half = acme.challenge(alice, WIDE, at=at)
    acme.show(half, PASSWORD, at=at, method="password")
    other = acme.challenge(alice, Asked(action="invoice.pay", requirement=WIDE.requirement), at=at)
    assert set(other.methods) == {"totp", "password"}
    assert isinstance(acme.show(other, code(ALICES_SECRET, at), at=at), api.StillOpen)


def test_several_challenges_wait_side_by_side_and_each_is_answered_by_its_id(acme: Acme) -> None:
    bob = acme.assert_bob()
    pay = Asked(action="invoice.pay", resource=("invoice", "7"))
    first, second = acme.challenge(bob, EXPORT), acme.challenge(bob, pay)
    assert isinstance(acme.show(second, code(BOBS_SECRET, NOON), at=NOON), api.Passed)
    assert acme.is_met(bob, pay, at=later(1))
    assert not acme.is_met(bob, EXPORT, at=later(1))
    assert isinstance(acme.show(first, code(BOBS_SECRET, later(30)), at=later(30)), api.Passed)


def test_neither_use_nor_a_new_secret_makes_a_proof_any_younger(acme: Acme) -> None:
    alice, _ = acme.sign_in_alice()
    acme.step_up(alice, ALICES_SECRET, STALE, at=NOON)
    before = {(proof.method, proof.at) for proof in acme.facts(alice, later(1)).proofs}
    for seconds in (60, 120, 180):
        api.touch_session(tenant_id=acme.tenant_id, session_id=alice.id, at=later(seconds))
        api.rotate_session_secret(tenant_id=acme.tenant_id, session_id=alice.id)
    assert {(proof.method, proof.at) for proof in acme.facts(alice, later(181)).proofs} == before
    assert acme.is_met(alice, STALE, at=later(299))
    assert not acme.is_met(alice, STALE, at=later(300))


def test_nobody_says_of_themselves_that_they_were_verified(acme: Acme) -> None:
    """Members that an answer might hold, and what a proof or a session is made of, are not taken from a request."""
    at = clock.now()
    bob = acme.assert_bob(at=at)
    challenge = acme.challenge(bob, at=at)
    claims = {
        "verified": True,
        "state": "passed",
        "passed_at": at.isoformat(),
        "level": "aal3",
        "acr": "urn:tiergate:acr:aal3",
        "user_verified": True,
        "phishing_resistant": True,
        "amr": ["hwk"],
        "elevation_id": "elv_" + "0" * 64,
    }
    for shown in ({"method": "totp", "code": "000000"}, {"method": "password", "password": "x"}, {}):
        assert _post(f"/step-up/challenges/{challenge.id}/verify", claims | shown, acme.secret).status_code == 400
    vouched = _post(
        "/t/acme/sessions",
        claims | {"subject": {"type": "user", "id": "bob"}, "amr": ["pwd"], "idp": "okta", "auth_time": at.timestamp()},
        acme.secret,
    )
    assert vouched.status_code == 201, vouched.content
    with tenant_transaction(acme.tenant_id):
        made = ProofRow.objects.filter(tenant_id=acme.tenant_id)
        assert not made.filter(user_verified=True).exists()
        assert not made.filter(phishing_resistant=True).exists()
    assert not acme.is_met(bob, at=clock.now())


def test_no_code_or_password_is_echoed_or_written_down(acme: Acme) -> None:
    at = clock.now()
    bob = acme.assert_bob(at=at)
    opened = _post(
        "/step-up/challenges", {"decision_id": acme.refused(bob, at=at), "tenant": "acme"}, acme.secret
    ).json()
    path = f"/step-up/challenges/{opened['challenge_id']}/verify"
    right, typed = code(BOBS_SECRET, clock.now()), "314159"
    answers = [
        _post(path, {"method": "totp", "code": typed}, acme.secret).content.decode(),
        _post(path, {"method": "totp", "code": right}, acme.secret).content.decode(),
    ]
    assert '"passed"' in answers[1]
    with tenant_transaction(acme.tenant_id):
        entries = audit.api.list_entries(tenant_id=acme.tenant_id, limit=audit.api.MAX_PAGE)
    told = json.dumps([(entry.payload, entry.personal) for entry in entries], default=str)
    for secret in (right, typed, BOBS_SECRET):
        assert not [answer for answer in answers if f'"{secret}' in answer]
        assert f'"{secret}' not in told


def test_no_secret_of_a_factor_or_a_pending_login_is_kept_in_a_session() -> None:
    """There is no place to keep one: Django's sessions are not installed, and of ours every column is known."""
    assert not apps.is_installed("django.contrib.sessions")
    assert not [name for name in settings.MIDDLEWARE if "sessions" in name]
    kept = {field.name for field in SessionRow._meta.fields}
    assert not [name for name in kept if any(word in name for word in ("totp", "otp", "key_", "challenge", "code"))]
    assert {name for name in kept if "secret" in name or "digest" in name} == {"secret_digest", "digest_key"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/me/factors/totp", {}),
        ("POST", "/v1/me/factors/totp/confirm", {"code": "000000"}),
        ("POST", "/v1/me/factors/passkeys", {}),
        ("POST", "/v1/me/factors/passkeys/confirm", {"credential": {}}),
        ("DELETE", "/v1/me/factors/{factor}", None),
    ],
)
def test_every_way_to_change_a_factor_asks_for_the_level_that_is_held(
    acme: Acme, method: str, path: str, body: Any
) -> None:
    alice, secret = acme.sign_in_alice(clock.now())
    factor = next(one.id for one in api.list_factors(user_id=alice.user_id) if one.kind == "totp")
    headers = {"Authorization": f"Bearer {secret}"}
    sent = {"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}
    answer = Client().generic(method, path.format(factor=factor), headers=headers, **sent)  # type: ignore[arg-type]
    assert answer.status_code == 401, answer.content
    assert 'error="insufficient_user_authentication"' in answer.headers["WWW-Authenticate"]
    assert [one.id for one in api.list_factors(user_id=alice.user_id) if one.kind == "totp"] == [factor]


PAGES = {
    str(one.pattern): getattr(one.callback, "required_action", "")
    for one in urls.urlpatterns
    if isinstance(one, URLPattern) and str(one.pattern).startswith("account/")
}
FORM = {
    "name": "Mine",
    "code": "000000",
    "credential": "{}",
    "current": PASSWORD,
    "new": "a new and quite long one",
    "again": "a new and quite long one",
}


@pytest.mark.parametrize("page", [page for page, action in PAGES.items() if action == Action.FACTORS_MANAGE.value])
def test_every_page_that_changes_a_factor_asks_for_the_level_that_its_api_asks_for(acme: Acme, page: str) -> None:
    alice, secret = acme.sign_in_alice(clock.now())
    before = api.list_factors(user_id=alice.user_id, tenant_id=acme.tenant_id)
    factor = next(one.id for one in before if one.kind == "totp")
    browser, path = Client(), "/" + page.replace("<slug:factor>", factor)
    browser.cookies["tiergate"] = secret
    sent = browser.post(path, FORM, headers={"Accept": "text/html"})
    assert sent.status_code == 303
    assert sent["Location"] == path or sent["Location"].startswith("/step-up/resume/rsm_")
    with tenant_transaction(acme.tenant_id):
        kept = SuspendedRequest.objects.filter(tenant_id=acme.tenant_id).exclude(body_sealed=None)
        assert kept.exists() == (sent["Location"] != path)
    assert api.list_factors(user_id=alice.user_id, tenant_id=acme.tenant_id) == before
    assert api.resolve_session_secret(secret, at=clock.now()) is not None
    assert Client().post("/sign-in", {"tenant": "acme", "username": "alice", "password": PASSWORD}).status_code == 303


@pytest.mark.parametrize("page", PAGES)
def test_no_page_of_the_account_takes_a_form_of_another_site_or_a_stranger(acme: Acme, page: str) -> None:
    at = clock.now()
    alice, secret = acme.sign_in_alice(at)
    acme.step_up(alice, ALICES_SECRET, MANAGE, at=at)
    other, _ = acme.sign_in_alice(at)
    before = api.list_factors(user_id=alice.user_id, tenant_id=acme.tenant_id)
    factor = next(one.id for one in before if one.kind == "totp")
    path, form = "/" + page.replace("<slug:factor>", factor), FORM | {"session": other.handle}
    forged = Client(enforce_csrf_checks=True)
    forged.cookies["tiergate"] = secret
    assert forged.post(path, form, headers={"Accept": "text/html"}).status_code in {403, 405}
    assert Client().post(path, form, headers={"Accept": "text/html"}).status_code in {303, 405}
    assert api.list_factors(user_id=alice.user_id, tenant_id=acme.tenant_id) == before
    assert {one.id for one in api.list_own_sessions(session=alice, at=clock.now())} == {alice.handle, other.handle}


def test_no_page_changes_another_persons_factor(acme: Acme) -> None:
    at = clock.now()
    alice, secret = acme.sign_in_alice(at)
    acme.step_up(alice, ALICES_SECRET, MANAGE, at=at)
    dave, _ = api.put_user(subject_id="dave", password=PASSWORD, totp_secret=BOBS_SECRET, at=at)
    before = api.list_factors(user_id=dave)
    theirs = next(one.id for one in before if one.kind == "totp")
    browser = Client()
    browser.cookies["tiergate"] = secret
    for deed in ("rename", "remove"):
        answer = browser.post(f"/account/security/factors/{theirs}/{deed}", FORM, headers={"Accept": "text/html"})
        assert answer.status_code == 409, deed
    started = browser.post("/account/security/apps/new", FORM | {"replaces": theirs}, headers={"Accept": "text/html"})
    assert started.status_code in {200, 409}
    assert api.list_factors(user_id=dave) == before


def test_every_task_takes_nothing_from_a_caller() -> None:
    """What no request starts passes no door: so there is no word of anybody's that it could act on."""
    current_app.loader.import_default_modules()
    ours = {name: task for name, task in current_app.tasks.items() if not name.startswith(("celery.", "tests."))}
    assert len(ours) >= 3
    assert {name: list(signature(task.run).parameters) for name, task in ours.items()} == {name: [] for name in ours}
