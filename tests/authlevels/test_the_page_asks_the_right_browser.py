"""The step-up page: hand-off, what is shown, the way back."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from authlevels import api
from authlevels.pages_step_up import with_answer
from isolation.clock import now
from tests.authlevels.acme import ALICES_SECRET, BOBS_SECRET, ONCE, PASSWORD, Acme, Asked, code, later

BACK = "https://reports.example/back"
PAY = Asked(
    action="invoice.pay",
    resource=("invoice", "7"),
    fields={"resource.properties.amount": 125, "note": "<script>alert(1)</script>"},
    requirement=ONCE,
)


@pytest.fixture
def opened(acme: Acme) -> api.OpenedChallenge:
    """A challenge of Bob's that the product has just opened."""
    at = now()
    return acme.challenge(
        acme.assert_bob(at=at), PAY, at=at, return_to="https://reports.example/back?tab=1", state="s 1&2"
    )


def page(opened: api.OpenedChallenge) -> str:
    return f"/step-up/{opened.id}"


@pytest.mark.usefixtures("acme")
def test_a_person_confirms_what_the_page_shows_and_is_sent_back(opened: api.OpenedChallenge) -> None:
    browser = Client()
    taken = browser.get(opened.path)
    assert (taken.status_code, taken["Location"]) == (303, page(opened))
    cookie = taken.cookies["tiergate-browser"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    shown = browser.get(page(opened))
    text = shown.content.decode()
    assert shown.status_code == 200
    assert "Export a report" in text
    assert "125" in text
    assert "<script>alert" not in text
    assert "form-action 'self' https://reports.example;" in shown["Content-Security-Policy"]
    assert "no-store" in shown["Cache-Control"]
    wrong = browser.post(page(opened), {"method": "totp", "code": "000000"})
    assert wrong.status_code == 400
    assert 'role="alert"' in wrong.content.decode()
    right = browser.post(page(opened), {"method": "totp", "code": code(BOBS_SECRET, now())})
    assert right.status_code == 303
    back, _, code_there = right["Location"].partition("&code=")
    assert back == f"https://reports.example/back?tab=1&challenge={opened.id}&state=s+1%262"
    assert re.fullmatch(r"cmp_[\w-]{43}", code_there)
    again = browser.get(page(opened))
    assert "Confirmed" in again.content.decode()


def test_a_second_browser_is_refused_with_and_without_the_link(opened: api.OpenedChallenge) -> None:
    first, thief = Client(), Client()
    first.get(opened.path)
    refused = thief.get(opened.path, follow=True)
    assert refused.status_code == 403
    assert "Not in this browser" in refused.content.decode()
    assert thief.get(page(opened)).status_code == 403
    assert thief.post(page(opened), {"method": "totp", "code": code(BOBS_SECRET, now())}).status_code == 403
    assert first.get(opened.path, follow=True).status_code == 200


def test_a_link_older_than_two_minutes_opens_nothing(acme: Acme) -> None:
    at = now() - timedelta(minutes=2, seconds=1)
    stale = acme.challenge(acme.assert_bob(at=at), PAY, at=at, return_to=BACK)
    assert "handoff=" in stale.path
    assert Client().get(stale.path, follow=True).status_code == 403


def test_a_newer_link_replaces_the_older_one(acme: Acme) -> None:
    at = now()
    bob = acme.assert_bob(at=at)
    first, second = (acme.challenge(bob, PAY, at=at, return_to=BACK) for _ in "ab")
    assert first.path != second.path
    assert Client().get(first.path, follow=True).status_code == 403
    assert Client().get(second.path, follow=True).status_code == 200


def test_a_forged_browser_mark_is_refused(opened: api.OpenedChallenge) -> None:
    thief = Client()
    Client().get(opened.path)
    for mark in ("", "tgb_", "tgb_" + "A" * 43, "x" * 5000, "é"):
        thief.cookies["tiergate-browser"] = mark
        assert thief.get(page(opened)).status_code == 403


def test_a_head_request_does_not_use_the_link_up(opened: api.OpenedChallenge) -> None:
    assert Client().head(opened.path).status_code == 405
    assert Client().get(opened.path, follow=True).status_code == 200


def test_a_post_without_a_csrf_token_confirms_nothing(opened: api.OpenedChallenge) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.get(opened.path)
    assert browser.post(page(opened), {"method": "totp", "code": code(BOBS_SECRET, now())}).status_code == 403


@pytest.mark.parametrize(
    "body", [{}, {"method": "totp"}, {"method": "totp", "code": ""}, {"method": "x", "code": "\x00"}]
)
def test_an_empty_post_completes_nothing(opened: api.OpenedChallenge, body: dict[str, str]) -> None:
    browser = Client()
    browser.get(opened.path)
    assert browser.post(page(opened), body).status_code == 400


def test_own_session_needs_no_hand_off_and_its_cookie_is_replaced(acme: Acme) -> None:
    browser = Client()
    signed_in = browser.post("/sign-in", {"tenant": "acme", "username": "alice", "password": PASSWORD, "next": "/x"})
    assert (signed_in.status_code, signed_in["Location"]) == (303, "/x")
    old = browser.cookies["tiergate"].value
    at = now()
    alice = api.resolve_session_secret(old, at=at)
    assert alice
    challenge = acme.challenge(alice, at=at)
    assert challenge.path == page(challenge)
    assert browser.get(page(challenge)).status_code == 200
    done = browser.post(page(challenge), {"method": "totp", "code": code(ALICES_SECRET, at)})
    assert done.status_code == 200
    new = browser.cookies["tiergate"].value
    assert new != old
    assert api.resolve_session_secret(old, at=now()) is None
    found = api.resolve_session_secret(new, at=now())
    assert found
    assert found.id == alice.id
    assert acme.is_met(alice, at=now())


def test_ten_wrong_codes_on_the_page_are_answered_with_when_to_come_back(opened: api.OpenedChallenge) -> None:
    browser = Client()
    browser.get(opened.path)
    statuses = [browser.post(page(opened), {"method": "totp", "code": "000000"}).status_code for _ in range(11)]
    assert statuses == [400] * 10 + [429]
    locked = browser.post(page(opened), {"method": "totp", "code": code(BOBS_SECRET, now())})
    assert 1700 < int(locked["Retry-After"]) <= 1800


@pytest.mark.usefixtures("acme")
def test_garbage_ids_are_refused_politely() -> None:
    for garbage in ("chl_", "chl_" + "0" * 64, "x", "chl_" + "g" * 64):
        assert Client().get(f"/step-up/{garbage}").status_code == 403
        assert Client().post(f"/step-up/{garbage}", {"method": "totp", "code": "1"}).status_code == 403
        assert Client().get(f"/step-up/{garbage}?handoff=x%00", follow=True).status_code == 403


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "https://reports.example.evil.example/",
        "https://reports.example@evil.example/",
        "https://evil.example\\@reports.example/",
        "http://reports.example/",
        "https://reports.example:444/",
        "//reports.example/",
        "/back",
        "javascript:alert(1)//https://reports.example",
        "https://reports.example\t/",
        "\thttps://reports.example/",
        "https://reports.example%2eevil.example/",
        "https://reports。example/",
        "https://[::1/",
        "https://reports.example:x/",
    ],
)
def test_a_way_back_to_another_origin_is_refused(acme: Acme, address: str) -> None:
    with pytest.raises(api.ReturnToRefused):
        acme.challenge(acme.assert_bob(), return_to=address)


@pytest.mark.parametrize("address", ["https://reports.example", "https://REPORTS.example:443/a?b=c#d"])
def test_a_way_back_to_the_products_origin_is_taken(acme: Acme, address: str) -> None:
    assert acme.challenge(acme.assert_bob(), return_to=address).id


def test_the_way_back_keeps_its_own_query_and_fragment() -> None:
    back = with_answer("https://a.example/x?tab=1&state=old#top", challenge="chl_1", state="new")
    assert back == "https://a.example/x?tab=1&challenge=chl_1&state=new#top"
    back = with_answer("https://a.example/x?code=theirs", challenge="chl_1", state="", code="cmp_1")
    assert back == "https://a.example/x?challenge=chl_1&code=cmp_1"


@pytest.mark.parametrize(
    "onward", ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example", "x", "", "javascript:1"]
)
@pytest.mark.usefixtures("acme")
def test_signing_in_sends_nobody_to_another_site(onward: str) -> None:
    answer = Client().post("/sign-in", {"tenant": "acme", "username": "alice", "password": PASSWORD, "next": onward})
    assert (answer.status_code, answer["Location"]) == (303, "/")


@pytest.mark.usefixtures("acme")
def test_a_wrong_password_on_the_page_is_told_and_sets_no_cookie() -> None:
    browser = Client()
    answer = browser.post("/sign-in", {"tenant": "nowhere", "username": "alice", "password": PASSWORD})
    assert answer.status_code == 401
    assert 'role="alert"' in answer.content.decode()
    assert PASSWORD not in answer.content.decode()
    assert "tiergate" not in browser.cookies


@pytest.mark.usefixtures("acme")
def test_signing_out_ends_the_session_and_not_only_the_cookie() -> None:
    browser = Client()
    browser.post("/sign-in", {"tenant": "acme", "username": "alice", "password": PASSWORD})
    secret = browser.cookies["tiergate"].value
    assert browser.get("/sign-out").status_code == 200
    assert api.resolve_session_secret(secret, at=datetime.fromtimestamp(later(0).timestamp(), UTC)) is not None
    assert browser.post("/sign-out").status_code == 303
    assert api.resolve_session_secret(secret, at=now()) is None
