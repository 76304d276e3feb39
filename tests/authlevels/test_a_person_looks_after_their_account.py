"""The account's page: factors are changed after a step-up, sessions are seen and ended by whose they are."""

import json
import re
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from django.test import Client

from authlevels import api
from authlevels.own_sessions import device_in_words, place_in_words
from isolation.clock import now
from licensing import api as licensing
from tests.authenticator import SoftKey
from tests.authlevels.acme import ALICES_SECRET, PASSWORD, Acme, code
from tests.authlevels.with_passkeys import MANAGE

PAGE: dict[str, Any] = {"HTTP_ACCEPT": "text/html,*/*;q=0.8", "HTTP_SEC_FETCH_SITE": "same-origin"}
HOME = "/account/security"
NEW = "a new and quite long one"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1"


def browser(name: str = "alice", *, agent: str = "", address: str = "192.0.2.7") -> Client:
    """Sign somebody in, in a browser of theirs."""
    found = Client(HTTP_USER_AGENT=agent, HTTP_X_FORWARDED_FOR=address)
    signed_in = found.post("/sign-in", {"tenant": "acme", "username": name, "password": PASSWORD})
    assert signed_in.status_code == 303
    return found


def session_of(client: Client) -> api.Session | None:
    return api.resolve_session_secret(client.cookies["tiergate"].value, at=now())


def confirmed(client: Client, suspended: Any, *, offset: int = 0) -> str:
    """Go through the step-up that a suspended request leads to; return the page on which it goes on."""
    assert suspended.status_code == 303, suspended.content
    asked = client.get(suspended["Location"], **PAGE)
    shown = pyotp.TOTP(ALICES_SECRET).at(now(), counter_offset=offset)
    passed = client.post(asked["Location"], {"method": "totp", "code": shown}, **PAGE)
    assert passed.status_code == 303, passed.content
    return str(passed["Location"])


@pytest.mark.usefixtures("acme")
def test_whoever_is_not_signed_in_is_sent_to_sign_in_and_back() -> None:
    for path in (HOME, f"{HOME}/apps/new", f"{HOME}/passkeys/new"):
        asked = Client().get(path, **PAGE)
        assert (asked.status_code, asked["Location"]) == (303, f"/sign-in?next={path.replace('/', '%2F')}")
    assert Client().post(f"{HOME}/sessions/end-others", **PAGE).status_code == 303


@pytest.mark.usefixtures("acme")
def test_a_factor_is_removed_only_once_the_highest_level_is_shown() -> None:
    alice = browser()
    (factor,) = [one for one in factors(alice) if one.kind == "totp"]
    suspended = alice.post(f"{HOME}/factors/{factor.id}/rename", {"name": "Old phone"}, **PAGE)
    go_on = confirmed(alice, suspended)
    # The form of that page, with the token that it holds: what goes on is checked against forgery, too.
    assert "data-go-on" in alice.get(go_on, **PAGE).content.decode()
    assert alice.post(go_on, **PAGE)["Location"] == f"{HOME}?done=renamed"
    assert "Old phone" in alice.get(HOME, **PAGE).content.decode()
    api.end_elevation(ref=elevation(alice), presenter=api.Presenter(session=session_of(alice)), at=now())
    suspended = alice.post(f"{HOME}/factors/{factor.id}/remove", **PAGE)
    go_on = confirmed(alice, suspended, offset=1)
    assert [one.id for one in factors(alice)] == ["password", factor.id]
    alice.get(go_on, **PAGE)
    done = alice.post(go_on, **PAGE)
    assert (done.status_code, done["Location"]) == (303, f"{HOME}?done=removed")
    assert [one.kind for one in factors(alice)] == ["password"]
    assert "It is removed." in alice.get(done["Location"], **PAGE).content.decode()


def elevation(client: Client) -> str:
    session = session_of(client)
    assert session is not None
    (live,) = api.list_elevations(session=session, at=now())
    return live.id


def factors(client: Client) -> list[api.Factor]:
    session = session_of(client)
    assert session is not None
    return api.list_factors(user_id=session.user_id)


def test_an_app_is_added_without_scripts(acme: Acme) -> None:
    at = now()
    api.put_user(subject_id="dave", password=PASSWORD, at=at)
    licensing.put_member(
        tenant_id=acme.tenant_id, subject_type="account", subject_id="dave", roles=["member"], by="test", at=at
    )
    dave = browser("dave")
    assert "Show its secret" in dave.get(f"{HOME}/apps/new", **PAGE).content.decode()
    page = dave.post(f"{HOME}/apps/new", {"name": "My phone"}, **PAGE).content.decode()
    secret = re.findall(r'id="secret">([A-Z2-7 ]+)<', page)[0].replace(" ", "")
    wrong = dave.post(f"{HOME}/apps/confirm", {"code": "000000"}, **PAGE)
    assert (wrong.status_code, secret in wrong.content.decode()) == (400, False)
    done = dave.post(f"{HOME}/apps/confirm", {"code": code(secret, now())}, **PAGE)
    assert done["Location"] == f"{HOME}?done=added"
    page = dave.get(HOME, **PAGE).content.decode()
    assert "My phone" in page
    assert "New: it counts in full from" in page


@pytest.mark.usefixtures("acme")
def test_a_password_is_changed_after_a_step_up_and_everybody_else_is_signed_out() -> None:
    alice, other = browser(), browser()
    page, old = f"{HOME}/password", alice.cookies["tiergate"].value
    sent = {"current": PASSWORD, "new": NEW, "again": NEW}
    # A password is not kept while the step-up is done: the page is, and the person types it then.
    assert alice.post(page, sent, **PAGE)["Location"] == page
    assert alice.get(confirmed(alice, alice.get(page, **PAGE)), **PAGE)["Location"] == page
    assert "The new one once more" in alice.get(page, **PAGE).content.decode()
    long = "n" * 257
    for wrong in ({"again": "x"}, {"current": "x"}, {"new": "short", "again": "short"}, {"new": long, "again": long}):
        refused = alice.post(page, sent | wrong, **PAGE)
        assert refused.status_code == 400
        assert NEW not in refused.content.decode()
    assert session_of(other) is not None
    done = alice.post(page, sent, **PAGE)
    assert (done.status_code, done["Location"]) == (303, f"{HOME}?done=password")
    assert session_of(other) is None
    assert alice.cookies["tiergate"].value != old
    assert "Your password is changed" in alice.get(done["Location"], **PAGE).content.decode()
    assert Client().post("/sign-in", {"tenant": "acme", "username": "alice", "password": PASSWORD}).status_code == 401


def test_who_lost_their_app_adds_another_by_a_code_that_they_kept_without_scripts(acme: Acme) -> None:
    at = now()
    alice, secret = acme.sign_in_alice(at)
    acme.step_up(alice, ALICES_SECRET, MANAGE, at=at)
    codes = api.create_recovery_codes(session=alice, facts=acme.facts(alice, at), at=at)
    mine, page = Client(), f"{HOME}/recover"
    mine.cookies["tiergate"] = secret
    refused = mine.post(page, {"code": "nonsense"}, **PAGE)
    assert (refused.status_code, "none of your unused" in refused.content.decode()) == (400, True)
    assert mine.post(f"{page}/app", {"name": "New"}, **PAGE).status_code == 409
    assert mine.post(page, {"code": codes[0].lower()}, **PAGE)["Location"] == page
    assert "9 codes left" in mine.get(page, **PAGE).content.decode(), "whoever loads it again needs no second code"
    assert mine.post(page, {"code": codes[0]}, **PAGE).status_code == 400
    shown = mine.post(f"{page}/app", {"name": "New phone"}, **PAGE).content.decode()
    new = re.findall(r'id="secret">([A-Z2-7 ]+)<', shown)[0].replace(" ", "")
    assert mine.post(f"{page}/app/confirm", {"code": "000000"}, **PAGE).status_code == 400
    done = mine.post(f"{page}/app/confirm", {"code": code(new, now())}, **PAGE)
    assert (done.status_code, done["Location"]) == (303, f"{HOME}?done=added")
    assert [one.name for one in factors(mine) if one.kind == "totp"] == ["New phone"]
    assert "Use the code" in mine.get(page, **PAGE).content.decode(), "it is spent"


def test_who_lost_everything_adds_a_passkey_by_a_code_that_they_kept(acme: Acme) -> None:
    at = now()
    alice, secret = acme.sign_in_alice(at)
    acme.step_up(alice, ALICES_SECRET, MANAGE, at=at)
    codes = api.create_recovery_codes(session=alice, facts=acme.facts(alice, at), at=at)
    mine, page, options = Client(), f"{HOME}/recover", "/v1/me/recovery/passkeys"
    mine.cookies["tiergate"] = secret
    assert "passkey.js" not in mine.get(page, **PAGE).content.decode(), "nothing is offered before a code is shown"
    assert mine.post(f"{page}/passkey", {"credential": "{}"}, **PAGE).status_code == 409
    mine.post(page, {"code": codes[0]}, **PAGE)
    offered = mine.get(page, **PAGE).content.decode()
    assert f'data-passkey-create="{options}"' in offered
    wrong = mine.post(f"{page}/passkey", {"credential": "{}", "name": "Key"}, **PAGE)
    assert (wrong.status_code, f'data-passkey-create="{options}"' in wrong.content.decode()) == (409, True)
    asked = mine.post(options, HTTP_SEC_FETCH_SITE="same-origin").json()["publicKey"]
    made = json.dumps(SoftKey().create(asked))
    done = mine.post(f"{page}/passkey", {"credential": made, "name": "New key"}, **PAGE)
    assert (done.status_code, done["Location"]) == (303, f"{HOME}?done=added")
    assert [one.name for one in factors(mine) if one.kind == "passkey"] == ["New key"]
    assert "Use the code" in mine.get(page, **PAGE).content.decode(), "it is spent"
    assert mine.post(f"{page}/passkey", {"credential": made}, **PAGE).status_code == 409


def test_a_code_needs_a_password_that_was_typed_just_now(acme: Acme) -> None:
    before = now() - timedelta(hours=1)
    _alice, secret = acme.sign_in_alice(before)
    mine = Client()
    mine.cookies["tiergate"] = secret
    page = f"{HOME}/recover"
    assert mine.post(page, {"code": "x"}, **PAGE)["Location"] == page
    # The app that one has still may be shown; in its place there is nothing to put, before the password is typed.
    assert mine.get(confirmed(mine, mine.get(page, **PAGE)), **PAGE)["Location"] == page
    refused = mine.post(page, {"code": "x"}, **PAGE)
    assert refused.status_code == 409
    assert "/sign-in?next=/account/security/recover" in refused.content.decode()


@pytest.mark.usefixtures("acme")
def test_sessions_are_told_apart_and_ended_one_by_one_or_all_at_once(settings: Any) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    here, phone, third = browser(), browser(agent=PHONE, address="198.51.100.4"), browser()
    page = here.get(HOME, **PAGE).content.decode()
    assert "Safari on iPhone" in page
    assert "198.51.100.4" in page
    assert page.count("this one") == 1
    found = session_of(phone)
    assert found is not None
    ended = here.post(f"{HOME}/sessions/end", {"session": found.handle}, **PAGE)
    assert ended["Location"] == f"{HOME}?done=ended"
    assert session_of(phone) is None
    assert session_of(third) is not None
    here.post(f"{HOME}/sessions/end-others", **PAGE)
    assert session_of(third) is None
    assert session_of(here) is not None


def test_nobody_ends_a_session_that_is_not_theirs(acme: Acme) -> None:
    alice, bob = browser(), acme.assert_bob(at=now())
    for handle in (bob.handle, "ses_" + "0" * 32, "", "x"):
        assert alice.post(f"{HOME}/sessions/end", {"session": handle}, **PAGE).status_code == 404
    assert acme.facts(bob, now()).state.value == "live"


def test_a_program_lists_and_ends_them_too(acme: Acme) -> None:
    at = now()
    other, _ = acme.sign_in_alice(at=at)
    mine, secret = acme.sign_in_alice(at=at)
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    items = client.get("/v1/me/sessions").json()["items"]
    assert [(one["id"], one["is_current"]) for one in items] == [(mine.handle, True), (other.handle, False)]
    bob = acme.assert_bob(at=at)
    assert client.delete(f"/v1/me/sessions/{bob.handle}").status_code == 404
    assert client.delete(f"/v1/me/sessions/{other.handle}").status_code == 204
    assert client.delete("/v1/me/sessions").json() == {"ended": 0}
    assert client.get("/v1/me").status_code == 200


@pytest.mark.parametrize(
    ("agent", "device", "want"),
    [
        (PHONE, "", "Safari on iPhone"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36 Edg/141.0",
            "",
            "Edge on Linux",
        ),
        ("Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0", "", "Firefox on Windows"),
        ("python-requests/2.32", "", "A Python program"),
        (PHONE, "Alice's phone", "Alice's phone"),
        ("", "", ""),
    ],
)
def test_a_device_is_named_in_words(agent: str, device: str, want: str) -> None:
    assert device_in_words(agent, device) == want


def test_a_place_is_only_what_the_address_itself_says() -> None:
    assert place_in_words("127.0.0.1", here="127.0.0.1") == "the machine that Tiergate runs on"
    assert place_in_words("10.1.2.3", here=None) == "a private network"
    assert place_in_words("198.51.100.4", here="198.51.100.4") == "the same address as now"
    assert place_in_words("8.8.8.8", here="1.1.1.1") == ""
    assert place_in_words(None, here=None) == ""
