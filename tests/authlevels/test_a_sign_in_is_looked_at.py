"""Signing in and confirming tell the engine how they looked; what looks too much like somebody else goes no further."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.test import Client

import audit.api
from authlevels import api
from authlevels.cookies import session_cookie_name
from authlevels.models import Notice, SessionRow
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from riskengine import api as risk
from riskengine.models import SessionRisk
from tests.authenticator import SoftKey
from tests.authlevels.acme import ALICES_SECRET, BOBS_SECRET, NOON, PASSWORD, Acme, code, later
from tests.authlevels.with_passkeys import alice_with, step_up_with
from tests.looking import FAR, HOME, at_home, far_is, people_fail_from, seen, signals, told
from tests.riskengine.conftest import no_valkey

__all__ = ["no_valkey"]

ALICE = ("account", "alice")
BOB = ("user", "bob")
NAMED = {"tenant": "acme", "username": "alice", "password": PASSWORD}


def sign_in(acme: Acme, looks: dict[str, Any] = HOME, *, password: str = PASSWORD, name: str = "alice") -> api.Session:
    session, _secret = api.sign_in_with_password(
        tenant_id=acme.tenant_id, username=name, password=password, network="192.0.2.1", at=NOON, **looks
    )
    return session


def vouch(acme: Acme, looks: dict[str, Any] = HOME, **more: Any) -> api.Session:
    return acme.assert_bob(origin=api.Origin(**looks), **more)


def is_guessed(acme: Acme) -> None:
    """Let Alice and Bob be known at home, and the other place be where somebody guesses passwords."""
    for who in (ALICE, BOB):
        at_home(acme.tenant_id, who, at=NOON)
    far_is(acme.tenant_id, "critical")
    people_fail_from(acme.tenant_id, FAR, at=NOON)


def entries(acme: Acme, kind: audit.api.Kind) -> list[audit.api.Entry]:
    with tenant_transaction(acme.tenant_id):
        return audit.api.list_entries(tenant_id=acme.tenant_id, kinds=[kind])


@pytest.mark.parametrize(("begin", "who"), [(sign_in, ALICE), (vouch, BOB)])
def test_a_sign_in_is_kept_with_how_it_looked(acme: Acme, begin: Callable[..., api.Session], who: Any) -> None:
    session = begin(acme)
    (told_of,) = signals(acme.tenant_id)
    assert (told_of.kind, (told_of.subject_type, told_of.subject_id), told_of.session_id) == (
        "sign_in",
        who,
        session.id,
    )
    assert (told_of.network, told_of.ip, told_of.band) == ("203.0.113.0/24", "203.0.113.9", "unknown")
    assert told_of.trust == 0.25, "somebody has to begin somewhere"


def test_one_that_looks_unusual_teaches_nothing_by_itself(acme: Acme) -> None:
    at_home(acme.tenant_id, ALICE, at=NOON)
    far_is(acme.tenant_id, "medium")
    sign_in(acme)
    sign_in(acme, FAR)
    taught = {one.network: (one.band, one.trust) for one in signals(acme.tenant_id, session_id__isnull=False)}
    assert taught == {"203.0.113.0/24": ("low", 0.25), "198.51.100.0/24": ("medium", 0.0)}


def test_how_it_looked_is_told_in_the_trail(acme: Acme) -> None:
    at_home(acme.tenant_id, ALICE, at=NOON)
    far_is(acme.tenant_id, "high")
    sign_in(acme)
    sign_in(acme, FAR)
    usual, unusual = entries(acme, audit.api.Kind.SESSION_STARTED)
    assert "risk" not in usual.payload
    assert unusual.payload["risk"]["band"] == "high"
    assert set(unusual.payload["risk"]["codes"]) & {"new_network", "new_system"}


def test_what_it_was_begun_with_counts_however_it_looked(acme: Acme) -> None:
    at_home(acme.tenant_id, BOB, at=NOON)
    far_is(acme.tenant_id, "high")
    session = vouch(acme, FAR)
    with tenant_transaction(acme.tenant_id):
        noted = SessionRisk.objects.get(session_id=session.id)
    assert (noted.band, noted.raised_at) == ("high", None)
    risk.assess(tenant_id=acme.tenant_id, subject=BOB, session_id=session.id, seen=seen(FAR, NOON), at=later(1))
    assert acme.facts(session, later(2)).activity.riskier_since is None


def test_a_sign_in_that_is_blocked_is_answered_like_a_wrong_password(acme: Acme) -> None:
    is_guessed(acme)
    with pytest.raises(api.SignInFailed) as blocked:
        sign_in(acme, FAR)
    with pytest.raises(api.SignInFailed) as wrong:
        sign_in(acme, FAR, password="wrong")
    assert (blocked.value.detail, blocked.value.extra) == (wrong.value.detail, wrong.value.extra)
    assert blocked.value.__cause__ is None
    first, second = entries(acme, audit.api.Kind.SIGN_IN_FAILED)
    assert (first.payload["why"], second.payload["why"]) == ("risk_blocked", "wrong_password")
    assert first.payload["risk"]["band"] == "critical"
    assert (first.subject, second.subject) == (ALICE, ALICE)
    with tenant_transaction(acme.tenant_id):
        assert not SessionRow.objects.exists()
        assert [one.kind for one in Notice.objects.all()] == ["sign_in_blocked"]
    sign_in(acme)


def test_a_product_is_told_that_whom_it_vouches_for_is_blocked(acme: Acme) -> None:
    is_guessed(acme)
    body = {"subject": {"type": "user", "id": "bob"}, "amr": ["pwd"], "idp": "okta", **FAR}
    body["auth_time"] = int(clock.now().timestamp())
    people_fail_from(acme.tenant_id, FAR)
    answer = Client().post(
        "/t/acme/sessions", body, content_type="application/json", headers={"Authorization": f"Bearer {acme.secret}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "risk_blocked")
    (refused,) = entries(acme, audit.api.Kind.SESSION_REFUSED)
    assert (refused.payload["why"], refused.subject) == ("risk_blocked", BOB)
    with tenant_transaction(acme.tenant_id):
        assert not SessionRow.objects.exists()


@pytest.mark.parametrize("mode", ["observe", "off"])
def test_nobody_is_blocked_where_the_engine_only_looks_on(acme: Acme, mode: str) -> None:
    is_guessed(acme)
    risk.put_policy(tenant_id=acme.tenant_id, mode=mode, by="test", at=NOON)
    before = len(signals(acme.tenant_id))
    assert vouch(acme, FAR).is_own is False
    assert len(signals(acme.tenant_id)) - before == (1 if mode == "observe" else 0)


def test_where_the_engine_cannot_say_the_page_says_so_and_lets_nobody_in(
    acme: Acme, superuser: psycopg.Connection, no_valkey: None
) -> None:
    superuser.execute("REVOKE EXECUTE ON FUNCTION riskengine_known FROM PUBLIC")
    try:
        answer = Client(headers={"User-Agent": HOME["user_agent"]}).post("/sign-in", NAMED)
    finally:
        superuser.execute("GRANT EXECUTE ON FUNCTION riskengine_known TO PUBLIC")
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert b"Try again" in answer.content
    assert not answer.cookies.get(session_cookie_name())
    with tenant_transaction(acme.tenant_id):
        assert not SessionRow.objects.exists()


def test_what_failed_is_counted_for_whom_it_was_and_teaches_nothing(acme: Acme) -> None:
    for name in ("alice", "nobody-1", "nobody-2"):
        with pytest.raises(api.SignInFailed):
            sign_in(acme, FAR, password="wrong", name=name)
    failed = signals(acme.tenant_id)
    assert {(one.kind, one.trust, one.network) for one in failed} == {("sign_in_failed", 0.0, "198.51.100.0/24")}
    assert len({(one.subject_type, one.subject_id) for one in failed}) == 3
    assert not any("nobody-" in one.subject_id for one in failed), "what is typed as a name may be a password"


def answered(acme: Acme, *, shown: str, looks: dict[str, Any] = HOME) -> None:
    """Have Alice answer a challenge in her own browser."""
    session = sign_in(acme, looks)
    challenge = acme.challenge(session, at=later(1))
    api.verify(
        ref=challenge.id,
        method=api.ChallengeMethod.TOTP,
        code=shown,
        presenter=api.Presenter(session=session),
        told=told(looks),
        at=later(1),
    )


def test_a_code_teaches_half_of_what_a_passkey_does(acme: Acme) -> None:
    answered(acme, shown=code(ALICES_SECRET, later(1)))
    (passed,) = signals(acme.tenant_id, kind="step_up_passed")
    assert (passed.trust, passed.was_challenged, passed.network) == (0.5, True, "203.0.113.0/24")
    key = SoftKey()
    alice = alice_with(acme, key, at=later(60))
    step_up_with(acme, alice, key, at=later(120))
    assert signals(acme.tenant_id, kind="step_up_passed")[-1].trust == 0.0, "nobody tells how it looked"


def test_a_passkey_teaches_in_full(acme: Acme) -> None:
    key = SoftKey()
    alice = alice_with(acme, key)
    challenge = acme.challenge(alice, at=later(60))
    asked = api.begin_passkey_step_up(ref=challenge.id, presenter=api.Presenter(session=alice), at=later(60))
    api.verify(
        ref=challenge.id,
        method=api.ChallengeMethod.PASSKEY,
        credential=key.get(asked),
        presenter=api.Presenter(session=alice),
        told=told(HOME),
        at=later(60),
    )
    assert signals(acme.tenant_id, kind="step_up_passed")[-1].trust == 1.0


def test_a_wrong_code_teaches_nothing_and_is_counted(acme: Acme) -> None:
    with pytest.raises(api.WrongCode):
        answered(acme, shown="000000", looks=FAR)
    (failed,) = signals(acme.tenant_id, kind="step_up_failed")
    assert (failed.trust, failed.network, (failed.subject_type, failed.subject_id)) == (0.0, "198.51.100.0/24", ALICE)


def test_what_counts_only_once_it_is_redeemed_teaches_nothing_before(acme: Acme) -> None:
    session = vouch(acme)
    challenge = acme.challenge(session, at=later(1), return_to="https://reports.example/back", state="s")
    mark = api.hand_off(ref=challenge.id, handoff=challenge.path.partition("handoff=")[2], browser="", at=later(2))
    passed = api.verify(
        ref=challenge.id,
        method=api.ChallengeMethod.TOTP,
        code=code(BOBS_SECRET, later(3)),
        presenter=api.Presenter(browser=mark),
        told=told(FAR),
        at=later(3),
    )
    assert isinstance(passed, api.Passed)
    assert signals(acme.tenant_id, kind="step_up_passed") == []
    api.redeem(ref=challenge.id, code=passed.code, credential=acme.credential, at=later(4))
    (told_of,) = signals(acme.tenant_id, kind="step_up_passed")
    assert (told_of.network, told_of.trust) == ("", 0.0), "how the browser looked that took the link is nobody's look"


def test_support_leaves_no_signal(acme: Acme) -> None:
    vendor = licensing.VENDOR_TENANT_ID
    api.put_user(subject_id="olga", password=PASSWORD, at=NOON - timedelta(days=1))
    licensing.put_member(
        tenant_id=vendor, subject_type="account", subject_id="olga", roles=["support"], by="test", at=NOON
    )
    olga, _secret = api.sign_in_with_password(
        tenant_id=vendor, username="olga", password=PASSWORD, network="192.0.2.9", at=NOON, **FAR
    )
    api.begin_impersonation(
        support=olga,
        tenant_id=acme.tenant_id,
        subject_type="user",
        subject_id="bob",
        reason="Case 7",
        minutes=15,
        at=NOON,
    )
    assert signals(acme.tenant_id) == []


def test_a_browser_keeps_a_mark_by_which_its_device_is_known_again(acme: Acme) -> None:
    browser = Client(headers={"User-Agent": HOME["user_agent"]})
    for _ in range(2):
        answer = browser.post("/sign-in", NAMED)
        assert answer.status_code == 303, answer.content
        mark = answer.cookies[risk.device_cookie_name()]
        assert (mark["httponly"], mark["samesite"], mark["path"]) == (True, "Lax", "/")
    first, second = signals(acme.tenant_id)
    assert first.seen["device"]
    assert first.seen["device"] == second.seen["device"]


def test_a_browser_that_failed_is_given_no_mark(acme: Acme) -> None:
    answer = Client().post("/sign-in", {**NAMED, "password": "wrong"})
    assert answer.status_code == 401
    assert risk.device_cookie_name() not in answer.cookies


def test_an_app_shows_its_mark_by_a_header(acme: Acme) -> None:
    first = Client().post("/v1/sign-in", NAMED, content_type="application/json").json()["device_token"]
    again = Client(headers={"X-Tiergate-Device": first}).post("/v1/sign-in", NAMED, content_type="application/json")
    assert again.json()["device_token"] == first
    one, other = signals(acme.tenant_id)
    assert one.seen["device"] == other.seen["device"]


def test_a_product_is_given_a_mark_only_where_it_keeps_them(acme: Acme) -> None:
    body: dict[str, Any] = {"subject": {"type": "user", "id": "bob"}, "amr": ["pwd"], "idp": "okta", **HOME}
    body["auth_time"] = int(clock.now().timestamp())

    def answer(**more: Any) -> Any:
        found = Client().post(
            "/t/acme/sessions",
            {**body, **more},
            content_type="application/json",
            headers={"Authorization": f"Bearer {acme.secret}"},
        )
        assert found.status_code == 201, found.content
        return found.json()

    assert "device_token" not in answer()
    token = answer(device_token="")["device_token"]
    assert answer(device_token=token)["device_token"] == token
    assert [bool(one.seen.get("device")) for one in signals(acme.tenant_id)] == [False, True, True]
