"""Pitfall 1: what a person sees is what is hashed. No mark that nobody sees makes one payee look like another."""

from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client

from authlevels.challenge_fields import readable_fields, readable_line
from isolation import clock
from tests.authlevels.acme import Acme, Asked
from tests.decisions.asking import ask, payment
from tests.decisions.conftest import World, client, world
from tests.decisions.test_others_have_to_agree import grant, house, opened

__all__ = ["client", "house", "world"]


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("\u202eecilA", "[U+202E]ecilA"),
        ("Ali\u200bce", "Ali[U+200B]ce"),
        ("\u2066Alice\u2069", "[U+2066]Alice[U+2069]"),
        ("Alice\nBob", "Alice[U+000A]Bob"),
        ("Alice\x00", "Alice[U+0000]"),
        ("Zoë Müller & Söhne 株式会社 🏦", "Zoë Müller & Söhne 株式会社 🏦"),
        ({"na\u202eme": ["\u202ex"]}, "Na[U+202E]me: [U+202E]x"),
    ],
)
def test_what_nobody_would_see_is_shown_by_its_number(given: Any, seen: str) -> None:
    (field,) = readable_fields({"fields": [{"name": "resource.properties.payee", "value": given}]})
    assert field.value == seen
    assert field.given.isprintable()


def test_nor_does_the_thing_itself_look_like_another_on_the_page(acme: Acme) -> None:
    at = clock.now()
    asked = Asked(resource=("report", "\u202e3q"), fields={"payee": "\u202eecilA"})
    challenge = acme.challenge(acme.assert_bob(at=at), asked, at=at, return_to="https://reports.example/back")
    assert challenge.display["resource"]["id"] == "\u202e3q", "a product's own page is told what it is"
    page = Client().get(challenge.path, follow=True).content.decode()
    assert "[U+202E]3q" in page
    assert "[U+202E]ecilA" in page
    assert "\u202e" not in page


def test_nor_is_it_on_the_pages_on_which_others_agree() -> None:
    odd = "\u202eecilA"
    display = {"title": "Pay", "resource": {"type": "payment", "id": odd}}
    found = {"display": {**display, "fields": [{"name": "a.payee", "value": odd}]}, "asked_by": odd, "user_agent": odd}
    about = {"properties": dict.fromkeys(("asked_by", "resource"), odd), "display": found["display"]}
    for page, context, times in (
        ("decisions/activate_number.html", {"found": found}, 4),
        ("decisions/agree.html", {"about": about}, 3),
    ):
        written = render_to_string(page, context)
        assert "\u202e" not in written
        assert written.count("[U+202E]ecilA") == times


def test_who_agrees_reads_no_amount_that_the_payee_is_called_by(client: Client, house: World) -> None:
    asked = payment(1_200_000, "Kontor; amount: 12", session=house.asserted())
    approval = opened(client, house, ask(client, house.acme_key, asked))
    refused = grant(client, house, approval, house.asserted("carol"), status=401)
    shown = ask(
        client,
        house.acme_key,
        {"decision_id": refused["challenge"]["decision_id"]},
        path="/step-up/challenges",
        status=201,
    )
    details = {one["label"]: one["value"] for one in shown["display"]["fields"]}["details"]
    assert details == 'Amount: 1,200,000; Payee: "Kontor; amount: 12"'


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"a.amount": 120_000, "a.currency": "eur", "a.payee": "Bob"}, "Amount: 1,200.00 EUR; Payee: Bob"),
        ({"to": {"iban": "DE1, Name: Bob", "name": "Eve"}}, r'To: "Iban: \"DE1, Name: Bob\", Name: Eve"'),
        ({"to": ["Bob, Carol", "Eve"]}, r'To: "\"Bob, Carol\", Eve"'),
        ({"to": [["Bob", "Eve"], "Carol"]}, r'To: "\"Bob, Eve\", Carol"'),
        ({"payee": "Bob\u202e; Amount: 1"}, 'Payee: "Bob[U+202E]; Amount: 1"'),
    ],
)
def test_no_part_of_what_is_agreed_to_reads_as_another_beside_it(given: Any, line: str) -> None:
    assert readable_line({"fields": [{"name": name, "value": value} for name, value in given.items()]}) == line
