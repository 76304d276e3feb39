"""A thief in somebody's session begins a step-up and mails its link: whoever confirms it there lifts nothing of the thief's."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from django.db import DatabaseError
from django.test import Client

import audit.api
from authlevels import api
from authlevels.models import Challenge, Elevation, TotpDevice
from isolation.api import tenant_transaction
from isolation.clock import now
from tests.attacks.parallel import at_once
from tests.authlevels.acme import ALICES_SECRET, BOBS_SECRET, ONCE, PASSWORD, Acme, Asked, code
from tiergate import Verb

BACK = "https://reports.example/back"
PAY = Asked(action="invoice.pay", resource=("invoice", "7"), fields={"amount": 100}, requirement=ONCE)


def confirmed(acme: Acme, session: api.Session, asked: Asked = PAY) -> tuple[api.OpenedChallenge, str, datetime]:
    """Have whoever opens the link first confirm there, and return what their browser brings to the product."""
    at = now()
    opened = acme.challenge(session, asked, at=at, return_to=BACK, state="s1")
    browser = Client()
    browser.get(opened.path)
    answer = browser.post(f"/step-up/{opened.id}", {"method": "totp", "code": code(BOBS_SECRET, now())})
    assert answer.status_code == 303
    brought = parse_qs(urlsplit(answer["Location"]).query)
    assert (brought["challenge"], brought["state"]) == ([opened.id], ["s1"])
    return opened, brought["code"][0], now()


def kinds(acme: Acme) -> list[str]:
    with tenant_transaction(acme.tenant_id):
        return [entry.kind for entry in audit.api.list_entries(tenant_id=acme.tenant_id)]


def elevation_id(acme: Acme, opened: api.OpenedChallenge) -> UUID:
    with tenant_transaction(acme.tenant_id):
        found: UUID = Elevation.objects.get(challenge_id=UUID(opened.id[-32:])).id
    return found


def refuse(acme: Acme, opened: api.OpenedChallenge, brought: str, *, at: datetime, **more: Any) -> None:
    with pytest.raises(api.RedemptionRefused):
        api.redeem(ref=opened.id, code=brought, credential=more.get("credential", acme.credential), at=at)


def test_a_mailed_link_of_an_own_session_is_answered_in_no_other_browser(acme: Acme) -> None:
    at = now()
    stolen, secret = acme.sign_in_alice(at)
    opened = acme.challenge(stolen, at=at)
    right = {"method": "totp", "code": code(ALICES_SECRET, at)}
    stranger, victim = Client(), Client()
    victim.post("/sign-in", {"tenant": "acme", "username": "alice", "password": PASSWORD})
    for browser in (stranger, victim):
        for path in (opened.path, f"{opened.path}?handoff=hof_x"):
            shown = browser.get(path, follow=True)
            assert shown.status_code == 403
            assert "belongs to another browser" in shown.content.decode()
        assert browser.post(f"/step-up/{opened.id}", right).status_code == 403
    assert not acme.is_met(stolen, at=now())
    its_own = Client()
    its_own.cookies["tiergate"] = secret
    assert its_own.get(opened.path).status_code == 200
    assert its_own.post(f"/step-up/{opened.id}", right).status_code == 200
    assert acme.is_met(stolen, at=now())


def test_a_mark_left_on_an_own_sessions_challenge_opens_it_to_no_browser(acme: Acme) -> None:
    """The release before wrote hand-offs and marks for own sessions too."""
    at = now()
    bob, (alice, _) = acme.assert_bob(at=at), acme.sign_in_alice(at)
    marked = Client()
    marked.get(acme.challenge(bob, PAY, at=at, return_to=BACK).path)
    opened = acme.challenge(alice, at=at, return_to=BACK)
    with tenant_transaction(acme.tenant_id):
        mark = Challenge.objects.get(session_id=bob.id).browser_digest
        Challenge.objects.filter(session_id=alice.id).update(browser_digest=mark)
    assert marked.get(opened.path).status_code == 403


def test_what_a_link_confirms_counts_for_nothing_before_the_product_redeems_it(acme: Acme) -> None:
    bob = acme.assert_bob(at=now())
    opened, brought, at = confirmed(acme, bob)
    waiting = elevation_id(acme, opened)
    assert not acme.is_met(bob, PAY, at=at)
    assert api.list_elevations(session=bob, at=at) == []
    assert not api.claim_use(tenant_id=acme.tenant_id, elevation_id=waiting, request_id="r", at=at)
    claim: dict[str, Any] = {
        "tenant_id": acme.tenant_id,
        "session": bob.handle,
        "binding": acme.binding(bob, PAY),
        "at": at,
    }
    assert not api.claim_transaction(**claim, request_id="r")
    with (
        pytest.raises(api.ElevationGone),
        api.elevation_consumed(tenant_id=acme.tenant_id, elevation_id=waiting, at=at),
    ):
        pytest.fail("entered with an elevation that awaits its code")
    presenter = api.Presenter(credential=acme.credential)
    assert api.show_challenge(ref=opened.id, presenter=presenter, at=at).elevation_id == ""
    assert "challenge.passed" in kinds(acme)
    assert "elevation.created" not in kinds(acme)
    passed = api.redeem(ref=opened.id, code=brought, credential=acme.credential, at=at)
    assert acme.is_met(bob, PAY, at=at)
    assert kinds(acme)[-1] == "elevation.created"
    assert api.show_challenge(ref=opened.id, presenter=presenter, at=at).elevation_id == passed.elevation_id
    assert api.claim_transaction(**claim, request_id="r")


def test_a_code_is_redeemed_once_also_after_the_elevation_was_used_or_ended(acme: Acme) -> None:
    bob = acme.assert_bob(at=now())
    opened, brought, at = confirmed(acme, bob)
    passed = api.redeem(ref=opened.id, code=brought, credential=acme.credential, at=at)
    refuse(acme, opened, brought, at=at)
    assert kinds(acme).count("elevation.created") == 1
    api.end_elevation(ref=passed.elevation_id, presenter=api.Presenter(credential=acme.credential), at=at)
    refuse(acme, opened, brought, at=at)
    assert not acme.is_met(bob, PAY, at=at)


def test_of_eight_redemptions_at_once_exactly_one_counts(acme: Acme) -> None:
    opened, brought, at = confirmed(acme, acme.assert_bob(at=now()))
    results = at_once(lambda _: api.redeem(ref=opened.id, code=brought, credential=acme.credential, at=at))
    assert sum(isinstance(one, api.Passed) for one in results) == 1
    assert sum(isinstance(one, api.RedemptionRefused) for one in results) == 7
    assert kinds(acme).count("elevation.created") == 1


def test_a_wrong_code_redeems_nothing_and_spoils_nothing(acme: Acme) -> None:
    bob = acme.assert_bob(at=now())
    opened, brought, at = confirmed(acme, bob)
    for wrong in ("", "cmp_", "cmp_" + "A" * 43, brought[:-1], brought + "A", brought.upper(), "é\x00"):
        refuse(acme, opened, wrong, at=at)
    assert not acme.is_met(bob, PAY, at=at)
    assert api.redeem(ref=opened.id, code=brought, credential=acme.credential, at=at).level == "aal2"


def test_a_code_redeems_no_other_challenge(acme: Acme) -> None:
    """The thief confirms something of their own, and brings its code for the challenge in the stolen session."""
    stolen = acme.assert_bob(at=now())
    opened, brought, at = confirmed(acme, stolen)
    other = acme.challenge(stolen, replace(PAY, fields={"amount": 9}), at=at, return_to=BACK)
    refuse(acme, other, brought, at=at)
    with tenant_transaction(acme.tenant_id):
        digest = Elevation.objects.get(challenge_id=UUID(opened.id[-32:])).awaits_digest
    again = acme.assert_bob(at=at)
    passed = acme.challenge(again, PAY, at=at, return_to=BACK)
    with tenant_transaction(acme.tenant_id):
        Challenge.objects.filter(id=UUID(passed.id[-32:])).update(closed_at=at, passed_at=at)
        Elevation.objects.create(
            tenant_id=acme.tenant_id,
            session_id=again.id,
            challenge_id=UUID(passed.id[-32:]),
            scope="action",
            level="aal2",
            created_at=at,
            expires_at=at + timedelta(minutes=5),
            awaits_digest=digest,
            awaits_until=at + timedelta(minutes=2),
        )
    refuse(acme, passed, brought, at=at)


def test_a_code_older_than_two_minutes_redeems_nothing(acme: Acme) -> None:
    bob = acme.assert_bob(at=now())
    opened, brought, at = confirmed(acme, bob)
    late = at + timedelta(minutes=2)
    refuse(acme, opened, brought, at=late)
    assert not acme.is_met(bob, PAY, at=late)


def test_a_code_of_a_session_that_has_ended_redeems_nothing(acme: Acme) -> None:
    bob = acme.assert_bob(at=now())
    opened, brought, at = confirmed(acme, bob)
    api.end_session(tenant_id=acme.tenant_id, session_id=bob.id, by="test", at=at)
    refuse(acme, opened, brought, at=at)


def test_a_code_is_redeemed_by_no_other_tenant_and_by_no_credential_without_the_verb(acme: Acme, globex: Acme) -> None:
    bob = acme.assert_bob(at=now())
    opened, brought, at = confirmed(acme, bob)
    relay = replace(acme.credential, verbs=frozenset({Verb.STEP_UP_RELAY, Verb.SESSIONS_ASSERT}))
    for credential in (globex.credential, relay):
        with pytest.raises(api.ChallengeNotFound):
            api.redeem(ref=opened.id, code=brought, credential=credential, at=at)
    moved = f"chl_{globex.tenant_id.hex}{opened.id[-32:]}"
    for ref in (moved, "chl_", "x"):
        with pytest.raises(api.ChallengeNotFound):
            api.redeem(ref=ref, code=brought, credential=globex.credential, at=at)
    assert not acme.is_met(bob, PAY, at=at)


def test_redeeming_over_http_is_for_a_credential_and_works_once(acme: Acme, globex: Acme) -> None:
    opened, brought, at = confirmed(acme, acme.assert_bob(at=now()))
    _, alices = acme.sign_in_alice(at)

    def redeem(secret: str, **body: str) -> Any:
        return Client().post(
            f"/step-up/challenges/{opened.id}/redeem",
            body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {secret}"},
        )

    assert Client().post(f"/step-up/challenges/{opened.id}/redeem", {"code": brought}).status_code == 401
    assert redeem(globex.secret, code=brought).status_code == 404
    assert redeem(alices, code=brought).status_code == 404
    assert redeem(acme.secret).status_code == 400
    first = redeem(acme.secret, code=brought)
    assert (first.status_code, first.json()["state"], first.json()["scope"]) == (200, "passed", "transaction")
    second = redeem(acme.secret, code=brought)
    assert (second.status_code, second.json()["code"]) == (409, "redemption_refused")


def test_without_a_way_back_there_is_no_link_to_mail(acme: Acme) -> None:
    bob, at = acme.assert_bob(at=now()), now()
    linked = acme.challenge(bob, PAY, at=at, return_to=BACK)
    browser = Client()
    assert browser.get(linked.path, follow=True).status_code == 200
    again = acme.challenge(bob, PAY, at=at)
    assert (again.id, again.path) == (linked.id, "")
    assert browser.get(f"/step-up/{linked.id}").status_code == 403
    answer = Client().post(
        "/step-up/challenges",
        {"decision_id": acme.refused(bob, at=at)},
        content_type="application/json",
        headers={"Authorization": f"Bearer {acme.secret}"},
    )
    assert answer.status_code == 201
    assert "url" not in answer.json()


def test_the_mark_of_a_browser_answers_nothing_over_the_api(acme: Acme) -> None:
    opened = acme.challenge(acme.assert_bob(at=now()), PAY, at=now(), return_to=BACK)
    browser = Client()
    browser.get(opened.path)
    shown = {"method": "totp", "code": code(BOBS_SECRET, now())}
    path = f"/step-up/challenges/{opened.id}"
    assert browser.get(path).status_code == 404
    assert browser.post(f"{path}/verify", shown, content_type="application/json").status_code == 404


def test_no_credential_relays_for_an_account_or_wears_its_factor_out(acme: Acme) -> None:
    at = now()
    alice, _ = acme.sign_in_alice(at)
    opened = acme.challenge(alice, at=at)
    vendor = replace(acme.credential, tenant_id=UUID(int=0))
    for credential in (acme.credential, vendor):
        presenter = api.Presenter(credential=credential)
        with pytest.raises(api.ChallengeNotFound):
            api.show_challenge(ref=opened.id, presenter=presenter, at=at)
        for _ in range(11):
            with pytest.raises(api.ChallengeNotFound):
                acme.show(opened, "000000", at=at, credential=credential)
        for method, shown in (("password", PASSWORD), ("totp", code(ALICES_SECRET, at))):
            with pytest.raises(api.ChallengeNotFound):
                acme.show(opened, shown, at=at, method=method, credential=credential)
    assert TotpDevice.objects.get(user_id=alice.user_id).throttling_failure_count == 0
    passed = acme.show(opened, code(ALICES_SECRET, at), at=at, session=alice)
    assert isinstance(passed, api.Passed)


def test_a_product_that_relays_still_leaves_what_counts_at_once(acme: Acme) -> None:
    bob = acme.assert_bob(at=now())
    at = now()
    passed = acme.step_up(bob, BOBS_SECRET, PAY, at=at)
    assert passed.code == ""
    assert acme.is_met(bob, PAY, at=at)


@pytest.mark.parametrize(
    "change",
    [
        {"awaits_until": None},
        {"awaits_digest": None},
        {"awaits_digest": b"another"},
        {"used_at": datetime.fromisoformat("2026-11-22T12:00:00Z")},
    ],
)
def test_the_database_holds_to_it(acme: Acme, change: dict[str, Any]) -> None:
    opened, _, _ = confirmed(acme, acme.assert_bob(at=now()))
    waiting = elevation_id(acme, opened)
    with pytest.raises(DatabaseError), tenant_transaction(acme.tenant_id):
        Elevation.objects.filter(id=waiting).update(**change)


def test_what_was_redeemed_is_never_made_to_wait_again(acme: Acme) -> None:
    opened, brought, at = confirmed(acme, acme.assert_bob(at=now()))
    api.redeem(ref=opened.id, code=brought, credential=acme.credential, at=at)
    waiting = elevation_id(acme, opened)
    with pytest.raises(DatabaseError), tenant_transaction(acme.tenant_id):
        Elevation.objects.filter(id=waiting).update(awaits_digest=b"again", awaits_until=at + timedelta(minutes=2))
