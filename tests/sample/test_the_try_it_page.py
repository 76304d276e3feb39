"""A reader meets a refusal of their own, and turns it into an allow and back, without scripts."""

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pyotp
import pytest
from django.test import Client

from isolation.clock import now

TRY = "/northwind/try"
HOST = "localhost:8000"
STEP = timedelta(seconds=30)


class Phone:
    """An authenticator app."""

    def __init__(self, page: str) -> None:
        found = re.search(r'id="secret">([A-Z2-7]+)<', page)
        assert found, page
        self.totp = pyotp.TOTP(found[1])

    def code(self, at: datetime) -> str:
        return self.totp.at(at)


def text(answer: Any) -> str:
    return unescape(answer.content.decode())


@pytest.fixture
def reader(northwind: None) -> Client:
    return Client(HTTP_HOST=HOST)


@pytest.fixture
def guest(reader: Client) -> Client:
    answer = reader.post(f"{TRY}/guest")
    assert (answer.status_code, answer["Location"]) == (303, TRY)
    return reader


def enrolled(guest: Client) -> Phone:
    phone = Phone(text(guest.post(f"{TRY}/enrol")))
    answer = guest.post(f"{TRY}/confirm", {"code": phone.code(now())})
    assert answer.status_code == 303, text(answer)
    return phone


def stepped_up(guest: Client, phone: Phone) -> None:
    sent = guest.post(f"{TRY}/step-up")
    assert sent.status_code == 303, text(sent)
    page = sent["Location"]
    assert guest.get(page).status_code == 200
    back = guest.post(page, {"method": "totp", "code": phone.code(now() + STEP)})
    assert back.status_code == 303, text(back)
    assert back["Location"].startswith(f"http://{HOST}{TRY}?challenge=chl_")


def test_a_stranger_is_offered_to_become_a_guest(reader: Client) -> None:
    page = text(reader.get(TRY))
    assert "Become a guest" in page
    assert "Refused" not in page


def test_each_guest_has_an_account_of_their_own(northwind: None) -> None:
    names = set()
    for client in (Client(HTTP_HOST=HOST), Client(HTTP_HOST=HOST)):
        client.post(f"{TRY}/guest")
        found = re.search(r"You are (guest-[0-9a-f]{12})\.", text(client.get(TRY)))
        assert found
        names.add(found[1])
    assert len(names) == 2


def test_a_guest_sees_the_refusal_in_words_and_as_a_program_does(guest: Client) -> None:
    page = text(guest.get(TRY))
    assert "This needs a sign-in factor that you do not have yet" in page
    assert '"code": "enrolment_required"' in page
    assert '"outcome": "step_up"' in page
    assert "status 401" in page
    assert "Add an authenticator" in page


def test_a_refusal_becomes_an_allow_and_a_refusal_again(guest: Client) -> None:
    phone = enrolled(guest)
    assert "Confirm that it is you" in text(guest.get(TRY))
    stepped_up(guest, phone)
    page = text(guest.get(TRY))
    assert "This may go ahead" in page
    assert re.search(r"\b2[89]\d seconds from when", page)
    assert "Exported: People on the payroll" in text(guest.post(f"{TRY}/export"))
    assert guest.post(f"{TRY}/end").status_code == 303
    page = text(guest.get(TRY))
    assert "Confirm that it is you" in page
    assert "This may go ahead" not in page
    assert guest.post(f"{TRY}/export").status_code == 403


def test_the_secret_is_shown_as_a_qr_code_and_as_text(guest: Client) -> None:
    page = text(guest.post(f"{TRY}/enrol"))
    assert "<svg" in page
    assert 'role="img"' in page
    assert "style=" not in page
    assert Phone(page).totp.secret in page


def test_a_wrong_first_code_is_told_beside_the_field_and_can_be_mended(guest: Client) -> None:
    phone = Phone(text(guest.post(f"{TRY}/enrol")))
    wrong = guest.post(f"{TRY}/confirm", {"code": "abcdef"})
    assert wrong.status_code == 400
    assert 'role="alert"' in text(wrong)
    assert 'aria-describedby="error"' in text(wrong)
    assert guest.post(f"{TRY}/confirm", {"code": phone.code(now())}).status_code == 303


def test_a_second_authenticator_cannot_be_added_without_the_first(guest: Client) -> None:
    enrolled(guest)
    answer = guest.post(f"{TRY}/enrol")
    assert answer.status_code == 403
    assert 'role="alert"' in text(answer)
    assert "<svg" not in text(answer)


def test_somebody_signed_in_elsewhere_sees_what_they_are_told(northwind: None) -> None:
    client = Client()
    signed_in = {"tenant": "acme", "username": "alice", "password": "demo-alice-reads-reports", "next": TRY}
    assert client.post("/sign-in", signed_in)["Location"] == TRY
    page = text(client.get(TRY))
    assert "Regulated does." in page
    assert '"code": "upgrade_required"' in page
    assert "status 402" in page


@pytest.mark.parametrize("step", ["enrol", "confirm", "step-up", "end"])
def test_a_stranger_who_skips_ahead_is_sent_back(reader: Client, step: str) -> None:
    answer = reader.post(f"{TRY}/{step}")
    assert (answer.status_code, answer["Location"]) == (303, TRY)


def test_a_stranger_exports_nothing(reader: Client) -> None:
    answer = reader.post(f"{TRY}/export")
    assert answer.status_code == 403
    assert "Exported" not in text(answer)


def test_another_site_cannot_make_the_browser_end_or_begin_anything(guest: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = guest.cookies
    for step in ("guest", "enrol", "confirm", "step-up", "export", "end"):
        assert strict.post(f"{TRY}/{step}").status_code == 403


def test_outside_the_demo_there_is_no_such_page(reader: Client, settings: Any) -> None:
    settings.TIERGATE_DEMO = False
    assert reader.get(TRY).status_code == 404
    assert reader.post(f"{TRY}/guest").status_code == 404


def test_nothing_of_it_is_kept_by_caches(guest: Client) -> None:
    assert "no-store" in guest.get(TRY)["Cache-Control"]
    assert "no-store" in guest.post(f"{TRY}/enrol")["Cache-Control"]
